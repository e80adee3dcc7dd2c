/** `genservers/testing`: what tests of implementations need. */
export { createSimulatedClock, type SimulatedClock } from './core/kernel/simulated-clock.js'
export type { CallbackWorld, Ran, Said } from './core/server/callback-stage.js'
export { type CallbackToRun, type CallToRun, runCallback, type StateOf } from './core/server/run-callback.js'
