/** Errors on their way between threads: what is cloned loses its class. */

import {
  CallbackFailed,
  type FailureCode,
  type FailureDetails,
  GenServerError,
  NotRestored,
  StartIgnored,
} from '../../index.js'
import { LoadError } from '../../loading/load-error.js'

export type CarriedFailure =
  | { readonly kind: 'failure'; readonly code: FailureCode; readonly message: string; readonly details: FailureDetails }
  | { readonly kind: 'load'; readonly file: string; readonly problem: string }
  | {
      readonly kind: 'ignored' | 'callback' | 'notRestored' | 'bug'
      readonly message: string
      readonly stack?: string | undefined
    }

export function carry(error: unknown): CarriedFailure {
  if (error instanceof GenServerError) {
    const { code, message, details } = error
    return { kind: 'failure', code, message, details }
  }
  if (error instanceof LoadError) return { kind: 'load', file: error.file, problem: error.problem }
  if (error instanceof NotRestored) return { kind: 'notRestored', message: error.message }
  if (error instanceof StartIgnored) return { kind: 'ignored', message: error.message }
  if (error instanceof CallbackFailed) return { kind: 'callback', message: error.message }
  return error instanceof Error
    ? { kind: 'bug', message: error.message, stack: error.stack }
    : { kind: 'bug', message: String(error) }
}

export function uncarry(failure: CarriedFailure): Error {
  switch (failure.kind) {
    case 'failure':
      return new GenServerError(failure.code, failure.message, failure.details)
    case 'load':
      return new LoadError(failure.file, failure.problem)
    case 'notRestored':
      return new NotRestored(failure.message)
    case 'ignored':
      return new StartIgnored(failure.message)
    case 'callback':
      return Object.assign(Object.create(CallbackFailed.prototype), { message: failure.message })
    case 'bug':
      return Object.assign(new Error(failure.message), { stack: failure.stack })
  }
}
