/** Work of many steps lets others go on. */
import { createSimulatedClock } from 'genservers/testing'
import t from 'tap'
import { Breath } from '../../../src/core/kernel/breath.js'

t.test('it is the turn of others after many steps, or after some milliseconds', async (t) => {
  const clock = createSimulatedClock()
  const breath = new Breath(clock)
  const steps = () => {
    let steps = 1
    let due = breath.due
    for (; due === undefined; due = breath.due) steps++
    return { steps, due }
  }
  let others = 0
  const first = steps()
  t.equal(first.steps, 500)
  setImmediate(() => others++)
  await first.due
  await steps().due
  t.equal(others, 1)
  await clock.advance(5)
  const late = steps()
  t.equal(late.steps, 1)
  await late.due
  t.equal(steps().steps, 500, 'and then the time begins anew')
})
