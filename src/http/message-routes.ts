/** What the routes have in common that send messages. */
import type { FastifyRequest } from 'fastify'
import type { Host } from '../index.js'
import type { HangUps } from './hang-ups.js'
import type { KnownAnswers } from './known-answers.js'
import type { Asked } from './short-answer.js'

export interface MessageRoutesOptions {
  readonly host: Host
  readonly hangUps: HangUps
  readonly answers: KnownAnswers
}

/** What of a route's request is used, so that every route fits. */
export type Message = Asked & Pick<FastifyRequest, 'raw' | 'bodySize'>

const NONE: readonly string[] = []

/** Where the timer of a cast is, if it has one: header names and values by turns. */
export function timerLocation(id: string, timer: string | undefined): readonly string[] {
  return timer === undefined ? NONE : ['location', `/servers/${id}/timers/${encodeURIComponent(timer)}`]
}
