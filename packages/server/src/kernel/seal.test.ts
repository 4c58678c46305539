import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freshDatabase, type TestDatabase } from '../../test/support/database.ts'
import { rotateWholly } from '../../test/support/rotate.ts'
import { queryDatabase } from '../../test/faults/support/ledger-rows.ts'
import { type Database, openDatabase } from './db.ts'
import { silentLog } from './log.ts'
import { localRoots } from './seal-root.ts'
import { createSeal, type Seal, type SealedPlace } from './seal.ts'

const rootKey = (text: string) => localRoots({ reveal: () => text.repeat(4) })
const text = 'a secret: ключ 🔑'
const place: SealedPlace = { purpose: 'test-secrets', table: 'things', row: 'one', column: 'secret' }

let home: TestDatabase
let database: Database
beforeAll(async () => {
  home = await freshDatabase()
  database = openDatabase({ connection: { url: home.url }, log: silentLog, poolSize: 6 })
})
afterAll(async () => {
  await database.close()
  await home.drop()
})

const main = createSeal(rootKey('root-key-'))
const sealed = (seal: Seal, where: SealedPlace, value = text) =>
  database.transaction('system', (transaction) => seal.seal(transaction, where, value))
const opened = (seal: Seal, where: SealedPlace, bytes: Buffer) =>
  database.read('system', (read) => seal.open(read, where, bytes))
const steps: object[] = []
const rotate = (seal: Seal) => rotateWholly(seal, database, async (_transaction, step) => void steps.push(step))

describe('sealing', () => {
  it('opens what it sealed, also in another process with the same root key, and shows none of it', async () => {
    const bytes = await sealed(main, place)
    expect(bytes.includes('secret')).toBe(false)
    expect(await opened(main, place, bytes)).toBe(text)
    expect(await opened(createSeal(rootKey('root-key-')), place, bytes)).toBe(text)
    expect((await sealed(main, place)).equals(bytes)).toBe(false)
  })

  it('opens at no other place, and nothing that was changed', async () => {
    const bytes = await sealed(main, place)
    const elsewhere: Partial<SealedPlace>[] = [
      { project: 'default' },
      { purpose: 'other-secrets' },
      { table: 'others' },
      { row: 'two' },
      { column: 'name' },
    ]
    await sealed(main, { ...place, project: 'default' })
    await sealed(main, { ...place, purpose: 'other-secrets' })
    for (const other of elsewhere)
      await expect(opened(main, { ...place, ...other }, bytes)).rejects.toMatchObject({ name: 'SealBroken' })
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes)
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at)
      await expect(opened(main, place, changed), `byte ${at}`).rejects.toMatchObject({ name: 'SealBroken' })
      await expect(opened(main, place, bytes.subarray(0, at)), `cut at ${at}`).rejects.toMatchObject({
        name: 'SealBroken',
      })
    }
  })

  it('says so under another root key, and neither opens nor seals there', async () => {
    const bytes = await sealed(main, place)
    const other = createSeal(rootKey('another-'))
    await expect(opened(other, place, bytes)).rejects.toThrow('under another root key')
    await expect(sealed(other, { ...place, purpose: 'fresh' })).rejects.toThrow('under another root key')
    await expect(rotate(other)).rejects.toThrow('under another root key')
    expect((await database.read('system', other.state)).every(({ opens }) => !opens)).toBe(true)
  })

  it('makes one key where many seal first at once', async () => {
    const where = { ...place, purpose: 'at-once' }
    const all = await Promise.all(Array.from({ length: 6 }, () => sealed(createSeal(rootKey('root-key-')), where)))
    for (const bytes of all) expect(await opened(main, where, bytes)).toBe(text)
    const [keys] = await queryDatabase<{ count: string; uses: string }>(
      home.url,
      `SELECT count(*), sum(uses) AS uses FROM headgate.data_keys WHERE purpose = 'at-once'`,
    )
    expect(keys).toEqual({ count: '1', uses: '6' })
  })

  it('seals for a person with a key of theirs: it opens for nobody else, and never again once the key is destroyed', async () => {
    const ada = { ...place, project: 'default', subject: 'ada' }
    const [bytes, shared] = [await sealed(main, ada), await sealed(main, { ...ada, subject: '' })]
    expect(await opened(main, ada, bytes)).toBe(text)
    // What was sealed before people had keys opens still.
    expect(await opened(main, ada, shared)).toBe(text)
    await sealed(main, { ...ada, subject: 'bob' })
    for (const subject of ['bob', ''])
      await expect(opened(main, { ...ada, subject }, bytes)).rejects.toMatchObject({ name: 'SealBroken' })
    await queryDatabase(home.url, `DELETE FROM headgate.data_keys WHERE subject = 'ada'`)
    await expect(opened(main, ada, bytes)).rejects.toThrow('is gone')
    const later = await sealed(main, ada)
    expect(await opened(main, ada, later)).toBe(text)
    await expect(opened(main, ada, bytes)).rejects.toThrow('does not open')
  })

  it('takes a new data key long before its nonces could meet, and opens what the former sealed', async () => {
    const where = { ...place, purpose: 'worn' }
    const before = await sealed(main, where)
    await queryDatabase(home.url, `UPDATE headgate.data_keys SET uses = 1073741824 WHERE purpose = 'worn'`)
    const after = await sealed(main, where)
    expect([before.readUInt32BE(1), after.readUInt32BE(1)]).toEqual([1, 2])
    expect(await opened(main, where, before)).toBe(text)
    expect(await opened(main, where, after)).toBe(text)
  })

  it('takes a new data key after a year, and opens what the former sealed', async () => {
    const where = { ...place, purpose: 'aged', subject: 'somebody', project: 'default' }
    const before = await sealed(main, where)
    await queryDatabase(
      home.url,
      `UPDATE headgate.data_keys SET created_at = now() - interval '366 days' WHERE purpose = 'aged'`,
    )
    const after = await Promise.all([sealed(main, where), sealed(main, where)])
    for (const bytes of [before, ...after]) expect(await opened(main, where, bytes)).toBe(text)
    expect(
      await queryDatabase(home.url, `SELECT version, uses FROM headgate.data_keys WHERE purpose = 'aged' ORDER BY 1`),
    ).toMatchObject([{ version: 1 }, { version: 2, uses: '2' }])
  })
})

describe('rotating the encryption key', () => {
  it('rewraps every data key, destroys the former key, leaves what was sealed as it is', async () => {
    const bytes = await sealed(main, place)
    const count = async () =>
      Number((await queryDatabase<{ count: string }>(home.url, 'SELECT count(*) FROM headgate.data_keys'))[0]?.count)
    const { version, rewrapped, destroyed } = await rotate(main)
    expect({ version, destroyed, rewrapped }).toEqual({ version: 2, destroyed: [1], rewrapped: await count() })
    expect(steps).toEqual([
      { version: 2, former: 1 },
      { version: 1, destroyed: [1] },
    ])
    expect(await opened(createSeal(rootKey('root-key-')), place, bytes)).toBe(text)
    expect(await database.read('system', main.state)).toMatchObject([
      { version: 1, dataKeys: 0, opens: false, destroyedAt: expect.any(Date) },
      { version: 2, dataKeys: rewrapped, opens: true, destroyedAt: null },
    ])
    const [former] = await queryDatabase<{ wrapped: Buffer | null }>(
      home.url,
      'SELECT wrapped FROM headgate.encryption_keys WHERE version = 1',
    )
    expect(former?.wrapped).toBeNull()
  })

  it('finishes one that ended halfway, more data keys than one batch included', async () => {
    const places = Array.from({ length: 230 }, (_, index) => ({ ...place, purpose: `many-${index}` }))
    const all = await database.transaction('system', async (transaction) => {
      const bytes: Buffer[] = []
      for (const where of places) bytes.push(await main.seal(transaction, where, text))
      return bytes
    })
    await expect(
      rotateWholly(main, database, async (_transaction, step) => {
        if ('destroyed' in step) throw new Error('the process ends here')
      }),
    ).rejects.toThrow('ends here')
    const { version, destroyed } = await rotate(main)
    expect({ version, destroyed }).toEqual({ version: 4, destroyed: [2, 3] })
    const fresh = createSeal(rootKey('root-key-'))
    for (const [index, bytes] of all.entries())
      expect(await opened(fresh, places[index] as SealedPlace, bytes)).toBe(text)
  })

  it('may run while others seal', async () => {
    const where = { ...place, purpose: 'meanwhile' }
    const sealing = (async () => {
      const all: Buffer[] = []
      for (let index = 0; index < 20; index++) all.push(await sealed(main, { ...where, purpose: `meanwhile-${index}` }))
      return all
    })()
    await rotate(main)
    await rotate(main)
    const fresh = createSeal(rootKey('root-key-'))
    for (const [index, bytes] of (await sealing).entries())
      expect(await opened(fresh, { ...where, purpose: `meanwhile-${index}` }, bytes)).toBe(text)
  })
})
