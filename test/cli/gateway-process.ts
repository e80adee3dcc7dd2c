/** Runs the program as a user does, as a process of its own, and takes what it says line by line. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { bareNode } from '../bare-program.js'

const main = fileURLToPath(new URL('../../program/main.js', import.meta.url))

/** The part of a tap test that is needed here. */
interface Teardown {
  teardown(end: () => unknown): void
}

export interface LogLine {
  readonly level: number
  readonly msg: string
  readonly url?: string
  readonly adminUrl?: string
  readonly from?: number
  readonly err?: { readonly message: string }
}

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface GatewayProcess {
  readonly child: ChildProcess
  /** Resolves with the first line of the log that `wanted` takes, also one that has come before. */
  line(wanted: (line: LogLine) => boolean): Promise<LogLine>
  readonly ended: Promise<Ended>
}

/** What of the environment of the tests the program may see: nothing that sets it up. */
function cleanEnvironment(extra: Readonly<Record<string, string>>): Record<string, string> {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(GENSERVERS_|HOST$|PORT$)/.test(name))
  return { ...(Object.fromEntries(inherited) as Record<string, string>), ...extra }
}

export interface ProgramOptions {
  /** A module that is loaded before the program, and can be spoken to (`child.send`). */
  readonly preload?: URL
  /** How large a file of it may become, in blocks of 512 bytes (`ulimit -f`). */
  readonly fileBlocks?: number
}

export function runProgram(
  t: Teardown,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  { preload, fileBlocks }: ProgramOptions = {},
): GatewayProcess {
  const node = [...bareNode, ...(preload ? ['--import', preload.href] : []), main, ...args]
  const [command = '', ...rest] = fileBlocks ? ['sh', '-c', `ulimit -f ${fileBlocks}; exec "$@"`, 'sh', ...node] : node
  const child = spawn(command, rest, {
    env: cleanEnvironment(environment),
    stdio: ['ignore', 'pipe', 'pipe', ...(preload ? (['ipc'] as const) : [])],
  }) as ChildProcess & { readonly stdout: Readable; readonly stderr: Readable }
  t.teardown(() => child.kill('SIGKILL'))
  let stdout = ''
  let stderr = ''
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  const lines: LogLine[] = []
  const waiting = new Set<() => void>()
  createInterface(child.stdout).on('line', (text) => {
    stdout += `${text}\n`
    if (text.startsWith('{"level"')) lines.push(JSON.parse(text) as LogLine)
    for (const look of waiting) look()
  })
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
  const line = (wanted: (line: LogLine) => boolean) =>
    new Promise<LogLine>((resolve, reject) => {
      const look = () => {
        const found = lines.find(wanted)
        if (found) {
          waiting.delete(look)
          resolve(found)
        }
      }
      waiting.add(look)
      look()
      void ended.then(({ stderr }) => reject(new Error(`the program ended before it said so: ${stderr}`)))
    })
  return { child, line, ended }
}

/** Starts a gateway on a free port and waits until it listens. */
export async function startGateway(
  t: Teardown,
  args: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
  options: ProgramOptions = {},
): Promise<GatewayProcess & { readonly url: string }> {
  const gateway = runProgram(t, ['--port', '0', ...args], environment, options)
  const { url } = await gateway.line((line) => line.url !== undefined)
  return { ...gateway, url: url as string }
}
