/** A server in a process of its own, as it runs in a container: the gateway or the bare app. */
import { type ChildProcess, fork } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Usage } from './programs/report-usage.js'

const compiled = (file: string) => fileURLToPath(new URL(file, import.meta.url))

const preload = new URL('./programs/report-usage.js', import.meta.url).href

export class ServerProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly name: string,
    readonly url: string,
  ) {}

  /** With the bundled implementations, or those of a directory. */
  static gateway(implementations?: URL, settings: NodeJS.ProcessEnv = {}): Promise<ServerProcess> {
    const env = implementations && { GENSERVERS_IMPLEMENTATIONS: fileURLToPath(implementations) }
    return ServerProcess.#launch('the gateway', compiled('../program/main.js'), { ...env, ...settings })
  }

  static bare(): Promise<ServerProcess> {
    return ServerProcess.#launch('the bare app', compiled('./programs/bare.js'))
  }

  static bareSockets(): Promise<ServerProcess> {
    return ServerProcess.#launch('the bare connections', compiled('./programs/bare-sockets.js'))
  }

  static async #launch(name: string, program: string, more: NodeJS.ProcessEnv = {}): Promise<ServerProcess> {
    const child = fork(program, [], {
      // The settings of this shell must not reach the gateway; what is measured are its defaults.
      env: { PATH: process.env['PATH'], NODE_ENV: 'production', GENSERVERS_PORT: '0', ...more },
      execArgv: ['--import', preload],
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    })
    return new ServerProcess(child, name, await urlOf(child, program))
  }

  get pid(): number {
    return this.child.pid as number
  }

  get port(): number {
    return Number(new URL(this.url).port)
  }

  usage(): Promise<Usage> {
    return new Promise((resolve, reject) => {
      const gone = () => reject(new Error(`${this.name} has ended`))
      this.child.once('exit', gone)
      this.child.once('message', (usage) => {
        this.child.off('exit', gone)
        resolve(usage as Usage)
      })
      this.child.send('usage')
    })
  }

  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const ended = new Promise((resolve) => this.child.once('exit', resolve))
    this.child.kill(signal)
    await ended
  }
}

/** Both programs log one JSON line with `url` when they listen. */
async function urlOf(child: ChildProcess, program: string): Promise<string> {
  if (child.stdout === null) throw new Error('no standard output to read')
  for await (const line of createInterface(child.stdout)) {
    const { url } = JSON.parse(line) as { url?: string }
    if (url === undefined) continue
    // What it logs from now on is not read, and must not fill the pipe.
    child.stdout.resume()
    return url
  }
  throw new Error(`${program} ended before it listened`)
}
