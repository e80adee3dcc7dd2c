/** Reads bodies, and lines of a batch, as JSON; what is not read is told where it is broken. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { HttpProblem } from './problem-document.js'

/** @throws {HttpProblem} if it is not JSON that is taken. */
export type ReadJson = (request: FastifyRequest, text: string, what: 'the body' | 'the line') => unknown

type Parse = (request: FastifyRequest, text: string, done: (error: Error | null, value?: unknown) => void) => void

/** By Fastify's own parser, which refuses keys that could change a prototype. */
export function jsonReader(app: FastifyInstance): ReadJson {
  const parse = app.getDefaultJsonParser('error', 'error') as Parse
  let isRefused = false
  let read: unknown
  // It calls back at once, so that one function does for all texts.
  const told = (error: Error | null, value: unknown) => {
    isRefused = error !== null
    read = value
  }
  return (request, text, what) => {
    parse(request, text, told)
    // It is read again: only then is it known which of the reasons it is, and where.
    if (isRefused) throw new HttpProblem('invalid_request', `${what} ${fault(text)}`)
    const value = read
    read = undefined
    return value
  }
}

function fault(text: string): string {
  try {
    JSON.parse(text.replace(/^\ufeff/, ''))
    return 'has a key that could change a prototype (__proto__, constructor.prototype)'
  } catch (error) {
    return `is not valid JSON${place(text, (error as Error).message)}`
  }
}

/** V8 says what it has met, and then repeats the text; or where it is; or that the text is over. */
function place(text: string, message: string): string {
  if (message.startsWith('Unexpected token')) {
    const met = /^Unexpected token '([!-~])'/.exec(message)?.[1]
    return met === undefined ? '' : `: there is a '${met}' where none is expected`
  }
  const at = Number(/ JSON at position (\d+)/.exec(message)?.[1])
  if (at < text.length) return `: character ${at + 1} is not expected there`
  return at === text.length || message.includes('end of JSON') ? ': it ends too early' : ''
}
