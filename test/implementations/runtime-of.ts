/** A runtime of some implementations whose time is moved by hand, and which is closed when its test ends. */
import { type AnyDefinition, createRuntime, type Runtime } from 'genservers'
import { createSimulatedClock } from 'genservers/testing'

export function runtimeOf(
  t: { teardown(close: () => Promise<void>): void },
  implementations: Readonly<Record<string, AnyDefinition>>,
): { runtime: Runtime; clock: ReturnType<typeof createSimulatedClock> } {
  const clock = createSimulatedClock()
  const runtime = createRuntime({ implementations, clock })
  t.teardown(() => runtime.close())
  return { runtime, clock }
}

/** Looks at a promise without waiting for it: `true` once it has settled. */
export function settles(promise: Promise<unknown>): () => boolean {
  let settled = false
  const settle = () => {
    settled = true
  }
  promise.then(settle, settle)
  return () => settled
}
