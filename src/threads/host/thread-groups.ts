/**
 * Messages to groups, whose members are on several nodes (see `core/runtime/group.ts`): each node tells of its own, and for one that does
 * not come back the gateway says what it knows.
 */
import { decideLabel, decideTimeout, mustNotBeTooLarge, timedOut } from '../../adapters.js'
import type { GroupCallOptions, GroupOptions, GroupReplies, GroupSent, Json } from '../../index.js'
import type { CarriedReplies, CarriedSent } from '../wire/carried-groups.js'
import { sizeOf } from '../wire/size.js'
import { mergeReplies, mergeSent } from './merging.js'
import type { Place } from './place.js'
import { noRoom } from './room.js'
import { silentGroup } from './silent-node.js'
import { carried, ThreadMessages } from './thread-messages.js'
import type { ThreadNode } from './thread-node.js'

export abstract class ThreadGroups extends ThreadMessages {
  async castGroup(label: string, message: string, args?: unknown, options: GroupOptions = {}): Promise<GroupSent> {
    this.mustBeUp()
    const sent = carried(args)
    const bytes = this.#sizeFor(label, sent)
    const asked = this.machinery.nodes.all.map((node) =>
      node.isFull
        ? this.#refused(node, label)
        : node.askWith<CarriedSent>(bytes, 'castGroup', label, message, sent, options),
    )
    return mergeSent(await Promise.all(asked))
  }

  async callGroup(
    label: string,
    message: string,
    args?: unknown,
    options: GroupCallOptions = {},
  ): Promise<GroupReplies> {
    this.mustBeUp()
    const { signal, ...rest } = options
    const timeout = decideTimeout(rest.timeout)
    const sent = carried(args)
    const bytes = this.#sizeFor(label, sent)
    const given = { kind: 'ask', what: 'callGroup', args: [label, message, sent, rest], bytes } as const
    const asked = this.machinery.nodes.all.map((node) => {
      if (node.isFull) return this.#refused(node, label)
      const replies = node.askUntil<CarriedReplies>(signal, (n) => ({ ...given, n }))
      const late = (id: string) =>
        timedOut(`${id} did not answer within ${timeout} ms: its node does not come back`, 'unknown')
      return this.within(timeout, replies, () => silentGroup(this.#membersOn(node, label), late))
    })
    const merged = mergeReplies(await Promise.all(asked))
    for (const reply of merged.replies) this.shown(reply)
    return merged
  }

  /** How large the args of a message to a group are. What is wrong with the whole of it is told before anything is sent. */
  #sizeFor(label: string, args: Json | undefined): number {
    const size = sizeOf(args)
    mustNotBeTooLarge(label, this.machinery.places.labelled(decideLabel(label)).size, size)
    return size
  }

  #membersOn(node: ThreadNode, label: string): Place[] {
    return [...this.machinery.places.labelled(label)].filter((place) => place.node === node)
  }

  #refused(node: ThreadNode, label: string): CarriedReplies & CarriedSent {
    const refusal = noRoom(node)
    return silentGroup(this.#membersOn(node, label), () => refusal)
  }
}
