/** One connection with one batch that goes on until its time is over: as much as the gateway takes is sent, and answers are counted. */
import { once } from 'node:events'
import { request } from 'node:http'

/** Lines that are written at once. */
const PIECE = 500

const LF = 10

/** Gives how many lines were answered, and in what time. */
export async function sendBatch(
  port: number,
  line: string,
  seconds: number,
): Promise<{ lines: number; seconds: number }> {
  const piece = Buffer.from(`${line}\n`.repeat(PIECE))
  const sending = request({
    ...{ port, host: '127.0.0.1', method: 'POST', path: '/batch' },
    headers: { 'content-type': 'application/x-ndjson' },
  })
  const started = performance.now()
  let isOver = false
  const pump = () => {
    while (!isOver && sending.write(piece));
  }
  sending.on('drain', pump)
  const timer = setTimeout(() => {
    isOver = true
    sending.end()
  }, seconds * 1000)
  sending.flushHeaders()
  pump()
  try {
    const [response] = await once(sending, 'response')
    if (response.statusCode !== 200) throw new Error(`the batch was answered with ${response.statusCode}`)
    let lines = 0
    for await (const chunk of response as AsyncIterable<Buffer>) {
      if (chunk.includes('"code"')) throw new Error(`answered ${chunk}`)
      for (const byte of chunk) if (byte === LF) lines++
    }
    return { lines, seconds: (performance.now() - started) / 1000 }
  } finally {
    clearTimeout(timer)
  }
}
