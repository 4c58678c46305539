import { describe, expect, test } from 'vitest'
import { makeCertificate } from '../../test/support/certificate.ts'
import { configurationFolder } from '../../test/support/configuration.ts'
import { ConfigFaults } from './faults.ts'
import { reloadConfig } from './reload.ts'

const { load, path, write } = configurationFolder()
const again = (running: Awaited<ReturnType<typeof load>>) =>
  reloadConfig({ cwd: path(), environment: { HEADGATE_LOG_LEVEL: 'warn' } }, running)
const start = () => load({ environment: { HEADGATE_LOG_LEVEL: 'warn' } })

describe('a reload', () => {
  test('tells what takes effect from what waits, and keeps the root key', async () => {
    write('headgate.yaml', 'port: 1\nlog: {level: info}')
    const running = await start()
    write('.env', `HEADGATE_ROOT_KEY=${'r'.repeat(40)}`)
    write('headgate.yaml', 'port: 2\nlog: {level: debug}\nlimits: {per_ip: {burst: 3}}\ndata_dir: ./elsewhere')
    const { settings, changed, restart } = await again(running)
    // The environment is stronger than the file, so the level of the log does not change.
    expect(changed).toEqual(['limits.per_ip.burst'])
    expect(restart.toSorted()).toEqual(['data_dir', 'port', 'root_key'])
    expect(settings.config).toMatchObject({ port: 1, limits: { per_ip: { burst: 3 } }, log: { level: 'warn' } })
    expect(settings.config.data_dir).toBe(running.config.data_dir)
    expect(settings.secrets.pepper).toBe(running.secrets.pepper)
    expect((await again(settings)).changed).toEqual([])
  })

  test('an option that is taken back has its default again', async () => {
    write('headgate.yaml', 'limits: {per_ip: {burst: 3}}\nmodels: {demo/x: {max_output_tokens: 5}}')
    const running = await start()
    write('headgate.yaml', '')
    const { settings, changed } = await again(running)
    expect(changed).toEqual(['limits.per_ip.burst', 'models."demo/x".max_output_tokens', 'models'])
    expect(settings.config.models).toEqual({})
    expect(settings.config.limits.per_ip.burst).toBe((await load()).config.limits.per_ip.burst)
  })

  test('another profile is refused, since every default turns on it', async () => {
    const running = await start()
    write('headgate.yaml', 'profile: testing')
    const refusal = await again(running).catch((fault: unknown) => fault)
    expect(refusal).toBeInstanceOf(ConfigFaults)
    expect((refusal as ConfigFaults).message).toContain(
      'headgate.yaml:1:1: profile: is now "testing"; expected "development", or a restart',
    )
  })

  test('TLS that comes or goes waits for the next start; other files of the same names take effect', async () => {
    const plain = await start()
    const [first, second] = [await makeCertificate('first'), await makeCertificate('second')]
    write('cert.pem', first.cert)
    write('key.pem', first.key)
    write('headgate.yaml', 'tls: {cert: cert.pem, key: key.pem}')
    const waiting = await again(plain)
    expect(waiting.restart).toEqual(['tls.cert', 'tls.key'])
    expect(waiting.settings.tls).toBeUndefined()
    expect(waiting.settings.config.tls).toBeUndefined()
    const running = await start()
    write('cert.pem', second.cert)
    await expect(again(running)).rejects.toThrow('tls.key: does not belong to the certificate')
    write('key.pem', second.key)
    const { settings, changed } = await again(running)
    expect(changed).toEqual(['tls'])
    expect(settings.tls?.cert.toString()).toBe(second.cert)
    write('cert.pem', 'nothing')
    await expect(again(running)).rejects.toThrow('tls.cert: holds no certificate')
  })
})
