/** `genservers/testing`: what tests of implementations need. */
export { createSimulatedClock, type SimulatedClock } from './core/kernel/simulated-clock.js'
