// In a page of an origin that the publishable key allows: <script type="module" src="browser.js"></script>
const url = globalThis.HEADGATE_URL ?? 'http://127.0.0.1:8787'
const key = globalThis.HEADGATE_KEY // a publishable key, hg_pk_…

const response = await fetch(`${url}/v1/audio/speech`, {
  method: 'POST',
  headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
  body: JSON.stringify({ model: 'demo', voice: 'alloy', input: 'Welcome to Headgate', response_format: 'wav' }),
})
if (!response.ok) {
  const { error } = await response.json()
  throw new Error(`${error.code}: ${error.message}`)
}
// An answer that breaks off throws here.
const sound = await response.blob()
const player = new Audio(URL.createObjectURL(sound))
player.controls = true

// An image needs no call: the key may stand in its address, and counts on pages of its origins only.
const lighthouse = new Image()
lighthouse.alt = 'A lighthouse in a storm'
lighthouse.src = `${url}/image/${encodeURIComponent(lighthouse.alt)}?model=demo&width=64&height=64&key=${key}`
await lighthouse.decode()
document.body.append(lighthouse, player)

console.log(lighthouse.naturalWidth === 64 ? 'a picture in PNG' : 'no picture')
// A WAV file: 44 bytes of header, then 48,000 bytes a second.
console.log(`${((sound.size - 44) / 48_000).toFixed(2)} seconds of sound`)
