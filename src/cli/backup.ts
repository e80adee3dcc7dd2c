/**
 * The command `backup`: asks the gateway that runs for a copy of all that it keeps, and where none runs copies the store itself,
 * which then is nobody's. Either way the file is checked before it has its name.
 */
import { type FileHandle, writeFile } from 'node:fs/promises'
import { type Dispatcher, request } from 'undici'
import { SQLITE } from '../http/backup.js'
import { PROBLEM_TYPE } from '../http/problem-document.js'
import { checkCopy, copyStore, hasStore } from '../stores/copy-store.js'
import { writeNewFile } from './new-file.js'
import { NoBackup } from './no-backup.js'
import type { Settings } from './settings.js'
import { UsageError } from './usage-error.js'

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** `url` is that of the gateway, if it is not where the settings say. @throws {UsageError} · {NoBackup} */
export async function backUp(settings: Settings, file: string | undefined, url: string | undefined): Promise<void> {
  if (file === undefined) throw new UsageError('backup needs the name of a FILE to write')
  const gateway = url === undefined ? gatewayOf(settings) : parseUrl(url)
  const interrupted = new AbortController()
  const interrupt = () => interrupted.abort()
  for (const signal of SIGNALS) process.on(signal, interrupt)
  let from = ''
  try {
    await writeNewFile(file, async (handle, partial) => {
      const answer = gateway && (await ask(gateway, interrupted.signal, url === undefined))
      if (answer === undefined) {
        copyLocally(settings, partial, gateway)
        from = settings.data
      } else {
        await download(answer, handle, gateway as URL, interrupted.signal)
        from = (gateway as URL).href
      }
      interrupted.signal.throwIfAborted()
      check(partial)
    })
  } catch (error) {
    if (interrupted.signal.aborted) throw new NoBackup('the backup was broken off')
    throw error instanceof NoBackup ? error : new NoBackup((error as Error).message)
  } finally {
    for (const signal of SIGNALS) process.off(signal, interrupt)
  }
  process.stdout.write(`${file} is a backup of ${from}\n`)
}

/** Where the operators' routes are; `undefined`: nowhere. */
function gatewayOf({ host, port, admin, adminPort }: Settings): URL | undefined {
  if (!admin) return undefined
  const at = adminPort ?? port
  if (at === 0) throw new UsageError('port 0 is any that is free: say with --url where the gateway is')
  const everywhere: Record<string, string> = { '0.0.0.0': '127.0.0.1', '::': '::1' }
  const address = everywhere[host] ?? host
  return new URL(`http://${address.includes(':') ? `[${address}]` : address}:${at}/`)
}

function parseUrl(text: string): URL {
  // What comes before a slash at the end is a directory, also where a proxy has the gateway below one.
  const directory = text.endsWith('/') ? text : `${text}/`
  if (!/^https?:/.test(text) || !URL.canParse(directory)) throw new UsageError(`--url ${text} is no HTTP URL`)
  return new URL(directory)
}

/** `undefined`: nobody listens there, and that `mayBe`. */
async function ask(gateway: URL, signal: AbortSignal, mayBe: boolean): Promise<Dispatcher.ResponseData | undefined> {
  try {
    const headers = { accept: `${SQLITE}, ${PROBLEM_TYPE}` }
    // A large store takes its time.
    return await request(new URL('backup', gateway), { headers, signal, headersTimeout: 0 })
  } catch (error) {
    const { code, message } = error as Error & { readonly code?: string }
    if (code === 'ECONNREFUSED' && mayBe) return undefined
    throw new NoBackup(`the gateway at ${gateway.href} cannot be asked: ${message || code}`)
  }
}

async function download(
  { statusCode, headers, body }: Dispatcher.ResponseData,
  to: FileHandle,
  gateway: URL,
  signal: AbortSignal,
): Promise<void> {
  const type = String(headers['content-type']).split(';')[0]
  if (statusCode !== 200 || type !== SQLITE) {
    const detail =
      type === PROBLEM_TYPE ? ((await body.json()) as { detail: string }).detail : `it answered ${statusCode}, ${type}`
    throw new NoBackup(`the gateway at ${gateway.href} gives no backup: ${detail}`)
  }
  try {
    await writeFile(to, body, { signal })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    // Of our own disk.
    if (code !== undefined && /^E(?:NOSPC|FBIG|DQUOT|IO)$/.test(code)) throw error
    throw new NoBackup(`the gateway at ${gateway.href} has broken off its backup: ${message}`)
  }
}

function copyLocally({ data }: Settings, to: string, gateway: URL | undefined): void {
  const nobody = gateway === undefined ? "the gateway has no operators' routes" : `nobody listens at ${gateway.href}`
  if (!hasStore(data)) throw new NoBackup(`${nobody}, and there is no store in the data directory ${data}`)
  try {
    copyStore(data, to)
  } catch (error) {
    throw new NoBackup(`${nobody}, and no copy could be made: ${(error as Error).message}`)
  }
}

function check(copy: string): void {
  try {
    checkCopy(copy)
  } catch (error) {
    throw new NoBackup(`what came is no backup: ${(error as Error).message}`)
  }
}
