/** Makes a durable server; one that a supervisor started is a `DurableChild`, also when no supervisor has it any more. */
import type { ServerTerms } from '../definition/options.js'
import type { Protocol } from '../definition/protocol.js'
import type { GroupCommit } from '../kernel/group-commit.js'
import type { Json } from '../kernel/json.js'
import type { Node } from '../kernel/node.js'
import type { Keeper } from '../server/keeper.js'
import type { Peers } from '../server/peers.js'
import { DurableChild } from './durable-child.js'
import { DurableServer } from './durable-server.js'

export function makeDurable(
  id: string,
  protocol: Protocol,
  args: Json,
  terms: ServerTerms,
  keeper: Keeper,
  peers: Peers,
  node: Node,
): DurableServer {
  const Durable = terms.bond === undefined ? DurableServer : DurableChild
  return new Durable(id, protocol, args, terms, keeper, peers, node, node.commits as GroupCommit)
}
