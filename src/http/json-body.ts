/**
 * The one content type that is read: JSON in UTF-8 (RFC 8259). An empty body counts as no body, whatever type it claims,
 * since clients that always send a Content-Type have nothing to say about a message without args.
 */
import { isUtf8 } from 'node:buffer'
import type { FastifyInstance } from 'fastify'
import { HttpProblem } from './problem-document.js'

const otherCharset = /;\s*charset\s*=\s*(?!"?utf-?8"?\s*(?:;|$))/i

/** Replaces Fastify's parsers for JSON and plain text. */
export function readJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  const parse = app.getDefaultJsonParser('error', 'error')

  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (body.length === 0) return done(null, undefined)
    const type = request.headers['content-type']
    if (type !== undefined && type.length > 16 && otherCharset.test(type)) {
      return done(new HttpProblem('unsupported_media_type', 'Send JSON in UTF-8.'))
    }
    // Decoding would put U+FFFD in the place of what the client meant, and nobody would know.
    if (!isUtf8(body)) return done(new HttpProblem('invalid_request', 'The body is not UTF-8.'))
    parse(request, body.toString('utf8'), done)
  })

  app.addContentTypeParser('*', (request, _payload, done) => {
    const { 'content-length': length = '0', 'transfer-encoding': encoding } = request.headers
    if (length === '0' && encoding === undefined) return done(null, undefined)
    done(new HttpProblem('unsupported_media_type', 'Send the body as application/json.'))
  })
}
