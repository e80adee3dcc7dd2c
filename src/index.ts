/** The one door: what implementations, embedders and the floors above the core may use. */
export { Type } from '@sinclair/typebox'
export { StartIgnored } from './core/definition/answer.js'
export type {
  CallOptions,
  Context,
  From,
  MonitorRef,
  StartFromHandler,
  TimerRef,
} from './core/definition/context.js'
export {
  type AnyDefinition,
  type Awaitable,
  type Definition,
  type DefinitionData,
  defineServer,
  isDefinition,
} from './core/definition/definition.js'
export { type IndexedType, type IndexedValue, indexesOf } from './core/definition/indexes.js'
export type {
  DeadLetterInfo,
  DeadLetterPage,
  FeedEvent,
  NodeInfo,
  PublishedEvent,
  SeenStatus,
  ServerCount,
  ServerInfo,
  ServerPage,
  StateView,
  Status,
  TimerInfo,
} from './core/definition/info.js'
export {
  type CallInterface,
  type CastInterface,
  type Interface,
  type ServerId,
  serverId,
} from './core/definition/interface.js'
export { MOST_LABELS } from './core/definition/labels.js'
export type { Restart, RestartFrom, ServerOptions, StartOptions } from './core/definition/options.js'
export { argsSchema } from './core/definition/protocol.js'
export { NotRestored } from './core/durable/not-restored.js'
export { failedText, failureOf, type Outcome, outcomeText, readOutcome } from './core/durable/outcome.js'
export { type Clock, type ClockTimer, systemClock } from './core/kernel/clock.js'
export type { CrashRecord, LoggedMessage } from './core/kernel/crash-records.js'
export type { Envelope } from './core/kernel/envelope.js'
export {
  type Effect,
  type FailureCode,
  type FailureDetails,
  failures,
  GenServerError,
  type InputError,
} from './core/kernel/errors.js'
export { ID_PATTERN } from './core/kernel/id.js'
export { escapePointer, type Json } from './core/kernel/json.js'
export type { AnswerKey, KeptAnswer } from './core/kernel/kept.js'
export { type Logger, silentLogger } from './core/kernel/logger.js'
export type { Origin } from './core/kernel/queued.js'
export { describeReason, isQuiet, type Reason } from './core/kernel/reason.js'
export type { Registry } from './core/kernel/registry.js'
export type { Store } from './core/kernel/store.js'
export type { Death } from './core/kernel/ties.js'
export { type Destination, localTransport, type Transport } from './core/kernel/transport.js'
export { defaultBounds } from './core/runtime/bounds.js'
export { createRuntime } from './core/runtime/create-runtime.js'
export type {
  GroupCallOptions,
  GroupFailure,
  GroupOptions,
  GroupReplies,
  GroupReply,
  GroupSent,
} from './core/runtime/group.js'
export type { Host } from './core/runtime/host.js'
export type { DeadLetterOptions, FindOptions, Keeping, LaterCall, Where } from './core/runtime/keeping.js'
export {
  BadDefinition,
  CallbackFailed,
  type CodeChanged,
  type CodeChangeOptions,
  type Operations,
  type ReplaceOptions,
} from './core/runtime/operations.js'
export type {
  CastOptions,
  ListOptions,
  Request,
  RequestOptions,
  Runtime,
  RuntimeOptions,
  StopOptions,
} from './core/runtime/runtime.js'
export type { Watch, WatchOptions } from './core/server/feed.js'
export type { TraceEvent, TraceListener } from './core/server/tracer.js'
