/**
 * Every way in which a request can fail ends here, so that each answer is a problem document: errors of routes, Fastify's
 * own errors, unknown routes and methods, and what is so broken that it never becomes a request.
 */
import { maxHeaderSize, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { AllowedMethods } from './allowed-methods.js'
import type { JudgeError } from './failure.js'
import { HttpProblem, problemDocument, problemHeaders, statusOf } from './problem-document.js'
import { type ProblemCode, problems } from './problems.js'

type AnswerError = (error: unknown, request: FastifyRequest, reply: FastifyReply) => void

/** Answers an error, whatever it is. */
export function errorAnswers(judge: JudgeError): AnswerError {
  return (error, request, reply) => {
    const failure = judge(error, request)
    // A string is sent as it is: no serializer of a route has a say in it.
    reply
      .code(statusOf(failure))
      .headers(problemHeaders(failure))
      .header('x-request-id', request.id)
      .send(JSON.stringify(problemDocument(failure)))
  }
}

/** Answers what no route takes. */
export function answerNotFound(app: FastifyInstance, allowed: AllowedMethods): void {
  app.setNotFoundHandler((request) => {
    const path = request.url.split('?', 1)[0] ?? ''
    const methods = allowed(path)
    // What one route does not find, as a file of the documentation, is not there for the method that it takes.
    if (methods.length > 0 && !methods.includes(request.method)) {
      const detail = `${request.method} is not allowed here; ${methods.join(', ')} ${methods.length > 1 ? 'are' : 'is'}`
      throw new HttpProblem('method_not_allowed', detail, {}, { allow: methods.join(', ') })
    }
    throw new HttpProblem('unknown_route', 'nothing is served under this path; /openapi.json tells what is')
  })
}

type Told = readonly [ProblemCode, string]

const notHttp: Told = ['invalid_request', 'the request is not HTTP/1.1']
const urlTooLong: Told = ['uri_too_long', 'the URL is longer than the gateway takes']

const socketProblems: Readonly<Record<string, Told>> = {
  HPE_HEADER_OVERFLOW: ['headers_too_large', 'the headers are larger than the gateway takes'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['payload_too_large', 'the chunk extensions are larger than the gateway takes'],
  ERR_HTTP_REQUEST_TIMEOUT: ['request_timeout', 'the request did not arrive in time'],
}

/** What Node's parser has refused, with what had come by then. */
type SocketError = Error & { readonly code?: string; readonly rawPacket?: unknown }

const methodAndUrl = /^[A-Z]+ \/\S*$/

/** Whether the headers are too large because the URL alone is. One that came in pieces cannot be told from a header. */
function isUrlTooLong({ code, rawPacket }: SocketError): boolean {
  if (code !== 'HPE_HEADER_OVERFLOW' || !Buffer.isBuffer(rawPacket)) return false
  return methodAndUrl.test(rawPacket.toString('latin1', 0, maxHeaderSize))
}

/** The answer that comes next on a connection; Node's own handler of such errors looks at it as well. */
type ServedSocket = Socket & { readonly _httpMessage?: ServerResponse | null }

/**
 * Answers on the bare socket what Node's parser refused (Fastify's `clientErrorHandler`). Whole requests that came before
 * on the connection get their own answers first: this one would be taken for theirs, and say that they had no effect.
 */
export function answerSocketError(count: (code: ProblemCode) => void) {
  const refused = new WeakSet<Socket>()
  const refuse = (error: SocketError, socket: ServedSocket): void => {
    if (!socket.writable) {
      socket.destroy()
      return
    }
    const next = socket._httpMessage
    if (next?.req.complete) {
      next.once('close', () => refuse(error, socket))
      return
    }
    if (next?.headersSent) {
      // An answer has begun while the request was still coming, as that to a batch: another one in its midst would be nonsense.
      socket.destroy()
      return
    }
    const [code, detail] = isUrlTooLong(error) ? urlTooLong : (socketProblems[error.code ?? ''] ?? notHttp)
    const failure = new HttpProblem(code, detail)
    count(code)
    const body = JSON.stringify(problemDocument(failure))
    const headers = { ...problemHeaders(failure), 'content-length': Buffer.byteLength(body), connection: 'close' }
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    socket.end(`HTTP/1.1 ${problems[code].status} ${reasonPhrase(code)}\r\n${lines.join('')}\r\n${body}`)
  }
  return (error: SocketError, socket: Socket): void => {
    if (error.code === 'ECONNRESET') {
      socket.destroy()
      return
    }
    // The parser fails again with each packet that follows.
    if (refused.has(socket)) return
    refused.add(socket)
    refuse(error, socket)
  }
}

function reasonPhrase(code: ProblemCode): string {
  return code.replaceAll('_', ' ')
}
