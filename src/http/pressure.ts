/** Whether this process is so far behind with its work that taking more would make everybody wait. */
import underPressure from '@fastify/under-pressure'
import type { FastifyInstance } from 'fastify'

/**
 * How often it is judged, in milliseconds. What is refused in vain is refused for no longer; and a single handler that holds the
 * thread for less is no reason, since the plugin takes a sample in which the loop never turned for the worst.
 */
const SAMPLE_INTERVAL = 1000

/** `maxDelay`: by how many milliseconds the event loop may be late, on the average of a sample; 0 is for ever. */
export async function watchPressure(app: FastifyInstance, maxDelay: number): Promise<() => boolean> {
  let isUnderPressure = () => false
  if (maxDelay === 0) return isUnderPressure
  // In a part of the app without routes, for the plugin's own hook costs each request, and answers in other words than ours.
  await app.register(async (part) => {
    await part.register(underPressure, { maxEventLoopDelay: maxDelay, sampleInterval: SAMPLE_INTERVAL })
    isUnderPressure = () => part.isUnderPressure()
  })
  return () => isUnderPressure()
}
