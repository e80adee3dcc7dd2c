/** The one door: what implementations, embedders and the floors above the core may use. */
export { Type } from '@sinclair/typebox'
export { type Clock, type ClockTimer, systemClock } from './core/kernel/clock.js'
export {
  type Effect,
  type FailureCode,
  type FailureDetails,
  failures,
  GenServerError,
  type InputError,
} from './core/kernel/errors.js'
export type { Json } from './core/kernel/json.js'
export { type Logger, silentLogger } from './core/kernel/logger.js'
export { describeReason, isQuiet, type Reason } from './core/kernel/reason.js'
export type { CallOptions, Context, From, TimerRef } from './core/server/context.js'
export { type AnyDefinition, type Definition, defineServer, isDefinition } from './core/server/definition.js'
export type { ServerInfo, ServerPage, StateView, Status, TimerInfo } from './core/server/info.js'
export type { CallInterface, CastInterface, Interface, ServerId } from './core/server/interface.js'
export type { Restart, RestartFrom, ServerOptions, StartOptions } from './core/server/options.js'
export {
  type CastOptions,
  createRuntime,
  type ListOptions,
  type Origin,
  type PublishedEvent,
  type Request,
  type RequestOptions,
  type Runtime,
  type RuntimeOptions,
  type StopOptions,
} from './core/server/runtime.js'
