/** Whether there is room on a node for one message more. What is on its way to a thread that does not come back waits too. */
import { GenServerError } from '../../index.js'
import type { ThreadNode } from './thread-node.js'

/** @throws {GenServerError} `overloaded` */
export function mustHaveRoom(node: ThreadNode): void {
  if (node.isFull) throw noRoom(node)
}

export function noRoom({ name }: ThreadNode): GenServerError {
  return new GenServerError('overloaded', `as many messages are on their way to the node ${name} as may wait there`, {
    retryAfter: 1,
  })
}
