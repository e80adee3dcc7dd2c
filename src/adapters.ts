/** The second door: what the adapters of the ports need beside the first. It is no part of what the package exports. */

export type { Bond } from './core/definition/bond.js'
export { decideId, decideLabel, decideTimeout } from './core/definition/decide.js'
export type { ServerTerms } from './core/definition/options.js'
export type { Lived } from './core/definition/past.js'
export { checkPlain } from './core/definition/plain.js'
export type { Protocol } from './core/definition/protocol.js'
export { copyGivenState } from './core/definition/state-check.js'
export { pagesOf, topsOf } from './core/durable/kept-pages.js'
export { restoredTerms } from './core/durable/kept-text.js'
export { notRestored } from './core/durable/not-restored.js'
export { restoreExits } from './core/durable/restore-exits.js'
export { storageFailed } from './core/durable/storage-failed.js'
export type { Backlog } from './core/kernel/backlog.js'
export { Call, type Callee, timedOut } from './core/kernel/call.js'
export { type CrashRecord, CrashRecords } from './core/kernel/crash-records.js'
export { Deadlines } from './core/kernel/deadlines.js'
export { Cast, type Envelope, Info } from './core/kernel/envelope.js'
export { unknownImplementation, unknownServer } from './core/kernel/errors.js'
export { type Exit, Exits } from './core/kernel/exits.js'
export { IdMaker } from './core/kernel/id-maker.js'
export { JsonText } from './core/kernel/json-text.js'
export type {
  Change,
  DeadLetter,
  Kept,
  KeptAnswer,
  KeptBrief,
  KeptCast,
  KeptChild,
  KeptExit,
  KeptFamily,
  KeptName,
  KeptServer,
  KeptState,
  KeptSupervisor,
  KeptTimer,
} from './core/kernel/kept.js'
export { Mailbox } from './core/kernel/mailbox.js'
export { CastReceipt } from './core/kernel/receipt.js'
export {
  builtOnLost,
  type CommitChain,
  type Condition,
  type Found,
  type PageOptions,
  type Search,
  StoreFailed,
  StoreFull,
} from './core/kernel/store.js'
export { nobody, type Tied, Ties } from './core/kernel/ties.js'
export { type Taken, WorkLog } from './core/kernel/work-log.js'
export { createNode } from './core/runtime/create-runtime.js'
export { DeadLetters } from './core/runtime/dead-letters.js'
export { pageSize } from './core/runtime/directory.js'
export { Finder } from './core/runtime/finder.js'
export { mustNotBeTooLarge } from './core/runtime/group-message.js'
export type { LocalRuntime } from './core/runtime/local-runtime.js'
export type { Neighbours, Registered } from './core/runtime/neighbours.js'
export { RefusedRequest } from './core/runtime/refused-request.js'
export type { Known } from './core/runtime/restoration.js'
export { shuttingDown } from './core/runtime/shutting-down.js'
export { OWN_SHARE } from './core/runtime/starter.js'
export { Sweeper } from './core/runtime/sweeper.js'
export { exitFailure } from './core/server/crash.js'
export type { EarlierLife } from './core/server/earlier-life.js'
export { Feed } from './core/server/feed.js'
export { comesBack, LONGEST_DELAY, RootKeeper } from './core/server/keeper.js'
export type { Peer } from './core/server/peers.js'
export type { TraceEvent } from './core/server/tracer.js'
export { SUPERVISOR } from './core/supervisor/supervisor.js'
