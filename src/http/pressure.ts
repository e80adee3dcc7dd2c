/** Whether this process is so far behind with its work that taking more would make everybody wait. */
import underPressure from '@fastify/under-pressure'
import type { FastifyInstance } from 'fastify'

/** How often it is judged, in milliseconds: what is refused in vain is refused for no longer. */
const SAMPLE_INTERVAL = 250

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
