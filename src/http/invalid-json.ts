/** What is told of a text that is not read as JSON. */
import { HttpProblem } from './problem-document.js'

/**
 * Of a body or a line that the parser has refused, and where. It is read again for that: only then is it known which of the two
 * reasons it is.
 */
export function invalidJson(text: string, what: 'the body' | 'the line'): HttpProblem {
  return new HttpProblem('invalid_request', `${what} ${fault(text)}`)
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
