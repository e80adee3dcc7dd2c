/** Nodes as HTTP shows them. */
import { Type } from '@sinclair/typebox'
import { Ref } from './schema-ref.js'

const NodeInfo = Type.Object(
  {
    node: Type.String({ description: 'Its name.', examples: ['main'] }),
    ready: Type.Boolean({
      description: 'Whether it is at work: not while its thread is replaced, or cannot load the implementations.',
    }),
    startedAt: Type.String({ format: 'date-time', description: 'When it began, or was last replaced.' }),
    restarts: Type.Integer({ description: 'How often it was given up and replaced.' }),
    servers: Type.Integer({ description: 'How many servers are on it.' }),
    queued: Type.Integer({ description: 'Messages that wait in all its mailboxes together.' }),
    queuedBytes: Type.Integer({ description: 'How many bytes these had when they were sent.' }),
    current: Type.Unsafe<{ server: string; message: string; runningFor: number } | null>({
      type: ['object', 'null'],
      description: 'The message that holds it up at this moment, and for how many milliseconds; null where none does.',
      properties: { server: Type.String(), message: Type.String(), runningFor: Type.Integer() },
      required: ['server', 'message', 'runningFor'],
    }),
  },
  { $id: 'NodeInfo', description: 'A thread that runs servers.' },
)

export const NodeList = Type.Object({ nodes: Type.Array(Ref(NodeInfo)) }, { $id: 'NodeList' })

export const nodeSchemas = [NodeInfo, NodeList]
