/** The second door: what the adapters of the ports need beside the first. It is no part of what the package exports. */
export { Call, type Callee, timedOut } from './core/kernel/call.js'
export { type CrashRecord, CrashRecords } from './core/kernel/crash-records.js'
export { Deadlines } from './core/kernel/deadlines.js'
export { Cast, type Envelope, Info } from './core/kernel/envelope.js'
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
export { MessageLog, type Taken } from './core/kernel/message-log.js'
export type { Places } from './core/kernel/places.js'
export { CastReceipt } from './core/kernel/receipt.js'
export {
  type Condition,
  type Found,
  type PageOptions,
  type Search,
  StoreFailed,
  StoreFull,
} from './core/kernel/store.js'
export { nobody, type Tied, Ties } from './core/kernel/ties.js'
export type { Bond } from './core/server/bond.js'
export { exitFailure } from './core/server/crash.js'
export { createNode } from './core/server/create-runtime.js'
export { DeadLetters } from './core/server/dead-letters.js'
export { decideId, decideLabel, decideTimeout } from './core/server/decide.js'
export type { EarlierLife } from './core/server/earlier-life.js'
export { Feed } from './core/server/feed.js'
export { Finder } from './core/server/finder.js'
export { mustNotBeTooLarge } from './core/server/group-message.js'
export { comesBack, LONGEST_DELAY, RootKeeper } from './core/server/keeper.js'
export { pagesOf, topsOf } from './core/server/kept-pages.js'
export { restoredTerms } from './core/server/kept-text.js'
export type { LocalRuntime } from './core/server/local-runtime.js'
export type { Neighbours, Registered } from './core/server/neighbours.js'
export { notRestored } from './core/server/not-restored.js'
export type { ServerTerms } from './core/server/options.js'
export type { Lived } from './core/server/past.js'
export type { Peer } from './core/server/peers.js'
export { checkPlain } from './core/server/plain.js'
export type { Protocol } from './core/server/protocol.js'
export { RefusedRequest } from './core/server/refused-request.js'
export type { Known } from './core/server/restoration.js'
export { shuttingDown } from './core/server/shutting-down.js'
export { copyGivenState } from './core/server/state-check.js'
export { storageFailed } from './core/server/storage-failed.js'
export { Sweeper } from './core/server/sweeper.js'
export type { TraceEvent } from './core/server/tracer.js'
export { SUPERVISOR } from './core/supervisor/supervisor.js'
