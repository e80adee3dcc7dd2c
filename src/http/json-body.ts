/**
 * The one content type that is read: JSON in UTF-8 (RFC 8259). An empty body counts as no body, whatever type it claims,
 * since clients that always send a Content-Type have nothing to say about a message without args.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { HttpProblem } from './problem-document.js'
import { jsonReader } from './read-json.js'

/**
 * What stands in the text for bytes that are not UTF-8. It would be stored in the place of what the client meant, and
 * nobody would know. A client that means this very character can send it as an escape.
 */
const REPLACEMENT = '\ufffd'
const NOT_UTF8 = 'the body is not UTF-8 (U+FFFD itself must be sent as an escape, \\ufffd)'

const otherCharset = /;\s*charset\s*=\s*(?!"?utf-?8"?\s*(?:;|$))/i

/** What is wrong with how the text of a body was made bytes: only UTF-8 is read, and nothing that is compressed (RFC 9110, section 8.4). */
export function codingProblem(headers: IncomingHttpHeaders): HttpProblem | undefined {
  const { 'content-type': type = '', 'content-encoding': coding = 'identity' } = headers
  if (otherCharset.test(type)) return new HttpProblem('unsupported_media_type', 'the body must be sent in UTF-8')
  if (coding.toLowerCase() === 'identity') return undefined
  return new HttpProblem('unsupported_media_type', 'the body must be sent as it is, without a Content-Encoding')
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The characters of the body, as it was sent. */
    bodySize: number
  }
}

/** Replaces Fastify's parsers for JSON and plain text. */
export function readJsonBodies(app: FastifyInstance): void {
  app.decorateRequest('bodySize', 0)
  app.removeAllContentTypeParsers()
  const read = jsonReader(app)

  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body: string, done) => {
    if (body === '') return done(null, undefined)
    request.bodySize = body.length
    const { headers } = request
    if (headers['content-type'] !== 'application/json' || headers['content-encoding'] !== undefined) {
      const problem = codingProblem(headers)
      if (problem !== undefined) return done(problem)
    }
    if (body.includes(REPLACEMENT)) return done(new HttpProblem('invalid_request', NOT_UTF8))
    let value: unknown
    try {
      value = read(request, body, 'the body')
    } catch (error) {
      return done(error as HttpProblem)
    }
    done(null, value)
  })

  app.addContentTypeParser('*', (request, _payload, done) => {
    const { 'content-length': length = '0', 'transfer-encoding': encoding } = request.headers
    if (length === '0' && encoding === undefined) return done(null, undefined)
    done(new HttpProblem('unsupported_media_type', 'the body must be sent as application/json'))
  })
}
