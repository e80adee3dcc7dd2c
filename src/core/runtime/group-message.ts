/**
 * One message to all servers of a group (OTP: `gen_server:abcast/2`, `multi_call/4`, `pg`).
 *
 * 1. What is wrong with the whole of it (how the label is spelt, args that are not JSON, a group that is too large) is
 *    told before anything is sent.
 * 2. What one server refuses is listed, and keeps the message from nobody else.
 * 3. A call has one deadline, the same for all. A reply after it reaches nobody, and a call that was not taken never runs.
 * 4. The args are judged once for each implementation, since a group may be large, and each server gets a copy of its own.
 */

import { decideLabel, decideTimeout } from '../definition/decide.js'
import type { Awaitable } from '../definition/definition.js'
import { checkPlain } from '../definition/plain.js'
import type { Operation, Protocol } from '../definition/protocol.js'
import { Call } from '../kernel/call.js'
import { Cast } from '../kernel/envelope.js'
import { GenServerError } from '../kernel/errors.js'
import { copyJson, type Json } from '../kernel/json.js'
import type { Node } from '../kernel/node.js'
import { callOperation, castOperation, reservePlace } from '../server/sending.js'
import type { Server } from '../server/server.js'
import type { Directory } from './directory.js'
import type { GroupCallOptions, GroupFailure, GroupOptions, GroupReplies, GroupReply, GroupSent } from './group.js'

/** One message reaches so many servers at most: what is sent in one go holds the thread. */
const MOST_SERVERS = 10_000
/** The copies of the args are so many characters of JSON together at most: one request must not fill the memory. */
const MOST_COPIED = 2 ** 26

/** Where the servers are. */
interface Place {
  readonly directory: Directory
  readonly node: Node
}

interface GroupMessage {
  readonly label: string
  readonly message: string
  readonly args: unknown
}

/** @throws {GenServerError} `invalid_request`, `invalid_args`, `group_too_large` */
export function castGroup(
  { directory, node }: Place,
  message: GroupMessage,
  { origin }: GroupOptions,
): Awaitable<GroupSent> {
  const members = membersOf(directory, message)
  const argsFor = judge(message, castOperation)
  const failures: GroupFailure[] = []
  const accepted: Promise<void>[] = []
  node.tick()
  for (const to of members) {
    const cast = ask(to, argsFor, (args) => new Cast(message.message, args, origin, undefined, true))
    if (!(cast instanceof Cast)) {
      failures.push(cast)
      continue
    }
    const isAccepted = to.accept(cast)
    if (isAccepted !== undefined)
      accepted.push(isAccepted.catch((error) => void failures.push(failureOf(to.id, error))))
  }
  const sent = () => ({ sent: members.length - failures.length, failures })
  return accepted.length === 0 ? sent() : Promise.all(accepted).then(sent)
}

/** @throws {GenServerError} as `castGroup` */
export function callGroup(place: Place, message: GroupMessage, options: GroupCallOptions): Promise<GroupReplies> {
  const timeout = decideTimeout(options.timeout)
  const members = membersOf(place.directory, message)
  const argsFor = judge(message, callOperation)
  const asked = members.map((to) =>
    ask(to, argsFor, (args) => new Call(to, message.message, args, timeout, options.origin, undefined)),
  )
  const calls = asked.filter((each) => each instanceof Call)
  const settled = whenAllSettled(calls, options.signal)
  send(place.node, calls)
  return settled.then(() => gather(asked))
}

function membersOf(directory: Directory, { label, args }: GroupMessage): Server[] {
  const members: Server[] = []
  const size = args === undefined ? 0 : JSON.stringify(checkPlain(args)).length
  for (const server of directory.labelled(decideLabel(label))) {
    members.push(server)
    if (members.length > MOST_SERVERS) break
  }
  mustNotBeTooLarge(label, members.length, size)
  return members
}

/**
 * Whether one message with args of `size` characters may go to so many servers.
 * @throws {GenServerError} `group_too_large`
 */
export function mustNotBeTooLarge(label: string, servers: number, size: number): void {
  if (servers > MOST_SERVERS) {
    throw tooLarge(`more than ${MOST_SERVERS} servers have the label ${label}, which is more than one message reaches`)
  }
  if (servers * size > MOST_COPIED) {
    throw tooLarge(`args of ${size} characters are too large for the ${servers} servers that have the label ${label}`)
  }
}

const tooLarge = (message: string) => new GenServerError('group_too_large', message)

type ArgsFor = (protocol: Protocol) => Json

/** Gives the args for a server of an implementation. @throws {GenServerError} `unknown_message`, `invalid_args` */
function judge(
  { message, args }: GroupMessage,
  operationOf: (protocol: Protocol, message: string) => Operation,
): ArgsFor {
  const judged = new Map<Protocol, () => Json>()
  return (protocol) => {
    let give = judged.get(protocol)
    if (give === undefined) {
      give = attempt(() => operationOf(protocol, message).check(args))
      judged.set(protocol, give)
    }
    return give()
  }
}

/** Gives copies of what `make` gives, or throws what it throws, each time. */
function attempt(make: () => Json): () => Json {
  try {
    const made = make()
    // It was no deeper than it may be before its defaults were filled in.
    return () => copyJson(made, Number.POSITIVE_INFINITY)
  } catch (error) {
    return () => {
      throw error
    }
  }
}

/** An envelope with a place in the mailbox of `to`, or why there is none. */
function ask<E extends Call | Cast>(to: Server, argsFor: ArgsFor, make: (args: Json) => E): E | GroupFailure {
  try {
    const args = argsFor(to.protocol)
    reservePlace(to)
    return make(args)
  } catch (error) {
    return failureOf(to.id, error as GenServerError)
  }
}

function failureOf(id: string, error: GenServerError): GroupFailure {
  return { id, code: error.code, error }
}

/** Aborting `signal` settles those that have not. */
function whenAllSettled(calls: readonly Call[], signal: AbortSignal | undefined): Promise<void> {
  if (calls.length === 0) return Promise.resolve()
  return new Promise((resolve) => {
    const abandon = () => {
      for (const call of calls) call.abandon()
    }
    let open = calls.length
    const settled = () => {
      open--
      if (open > 0) return
      signal?.removeEventListener('abort', abandon)
      resolve()
    }
    for (const call of calls) call.onSettled = settled
    if (signal?.aborted) abandon()
    else signal?.addEventListener('abort', abandon)
  })
}

function send(node: Node, calls: readonly Call[]): void {
  const { deadlines, scheduler, transport } = node
  const now = node.tick()
  for (const call of calls) {
    deadlines.add(call, now)
    transport.deliver(call.to as Server, call)
  }
  if (!scheduler.busy) deadlines.enterLanes()
}

/** What became of calls that are all settled. */
function gather(asked: readonly (Call | GroupFailure)[]): GroupReplies {
  const replies: GroupReply[] = []
  const failures: GroupFailure[] = []
  for (const each of asked) {
    if (!(each instanceof Call)) {
      failures.push(each)
      continue
    }
    const { id, revision } = each
    const { error, reply } = each.outcome
    if (error === undefined) replies.push({ id, reply, revision: revision as number })
    else failures.push(failureOf(id, error as GenServerError))
  }
  return { replies, failures }
}
