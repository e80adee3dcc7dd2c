/** Holds an answer against what a document shows of it. */
import { isDeepStrictEqual } from 'node:util'
import type { Block } from './markdown.js'

export interface Answer {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

const ANY = '...'

/** What differs, as sentences; none if the answer is as shown. An object may have more than is shown of it. */
export function differences(answer: Answer, shown: Pick<Block, 'language' | 'text'> | undefined): string[] {
  if (shown === undefined) return answer.status < 400 ? [] : [`it failed with ${answer.status}: ${answer.body}`]
  if (shown.language === 'json') return bodyDifferences(answer.body, shown.text)
  if (shown.language === 'jsonl') return bodyDifferences(arrayOf(answer.body), arrayOf(shown.text))
  const [head = '', body] = shown.text.split(/\n\n([\s\S]*)/)
  const [statusLine = '', ...headers] = head.split('\n')
  const faults: string[] = []
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1]
  if (Number(status) !== answer.status) faults.push(`the status is ${answer.status}, not as in "${statusLine}"`)
  for (const line of headers) {
    const [, name = '', value = ''] = /^([^:]+): (.*)$/.exec(line) ?? []
    const actual = answer.headers.get(name.toLowerCase())
    if (actual === undefined || !alike(actual, value)) faults.push(`the header ${name} is ${actual}, not ${value}`)
  }
  return body === undefined ? faults : [...faults, ...bodyDifferences(answer.body, body)]
}

const arrayOf = (lines: string) => `[${lines.trim().split('\n').join()}]`

function bodyDifferences(actual: string, shown: string): string[] {
  return alike(JSON.parse(actual), JSON.parse(shown))
    ? []
    : [`the body is ${actual}, not ${shown.replaceAll(/\s+/g, ' ')}`]
}

/** Whether it is what is shown; objects may have more. */
export function alike(actual: unknown, shown: unknown): boolean {
  if (shown === ANY) return true
  if (Array.isArray(shown)) {
    return Array.isArray(actual) && actual.length === shown.length && shown.every((each, at) => alike(actual[at], each))
  }
  if (!isObject(shown)) return isDeepStrictEqual(actual, shown)
  return (
    isObject(actual) && Object.keys(shown).every((key) => Object.hasOwn(actual, key) && alike(actual[key], shown[key]))
  )
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
