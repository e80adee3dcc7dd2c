/** What came of a request, in the form in which it is kept for whoever asks again or later (`AnswerKey`). */

import type { ServerInfo } from '../definition/info.js'
import { type FailureCode, type FailureDetails, GenServerError } from '../kernel/errors.js'
import type { Json } from '../kernel/json.js'
import { JsonText } from '../kernel/json-text.js'

export type Outcome =
  /** A call. */
  | { readonly kind: 'replied'; readonly revision: number; readonly reply: Json }
  /** A cast, with the ref of its timer if it has one. */
  | { readonly kind: 'accepted'; readonly timer?: string }
  /** A start. */
  | { readonly kind: 'started'; readonly server: ServerInfo }
  | { readonly kind: 'ignored' }
  | {
      readonly kind: 'failed'
      readonly code: FailureCode
      readonly message: string
      readonly details: FailureDetails
    }
  /** Nothing yet. */
  | { readonly kind: 'running' }

/** The reply may be text already, and long. */
export function repliedText(reply: Json | JsonText, revision: number): string {
  const text = reply instanceof JsonText ? reply.text : JSON.stringify(reply)
  return `{"kind":"replied","revision":${revision},"reply":${text}}`
}

export function outcomeText(outcome: Outcome): string {
  return JSON.stringify(outcome)
}

export function failedText({ code, message, details, effect }: GenServerError): string {
  return outcomeText({ kind: 'failed', code, message, details: { ...details, effect } })
}

export function readOutcome(text: string): Outcome {
  return JSON.parse(text)
}

export function failureOf({ code, message, details }: Extract<Outcome, { kind: 'failed' }>): GenServerError {
  return new GenServerError(code, message, details)
}
