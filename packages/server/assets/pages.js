// The documentation keeps the chosen appearance under this name; these pages follow it.
const appearance = localStorage.getItem('vitepress-theme-appearance') ?? 'auto'
const systemIsDark = matchMedia('(prefers-color-scheme: dark)')
const follow = () => {
  const dark = appearance === 'dark' || (appearance === 'auto' && systemIsDark.matches)
  document.documentElement.classList.toggle('dark', dark)
}
follow()
systemIsDark.addEventListener('change', follow)

const addCopyButton = (block) => {
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'copy'
  button.textContent = 'Copy'
  const say = (word) => {
    button.textContent = word
    setTimeout(() => {
      button.textContent = 'Copy'
    }, 2000)
  }
  button.addEventListener('click', () => {
    navigator.clipboard.writeText(block.querySelector('code').textContent).then(
      () => say('Copied'),
      () => say('Not allowed here'),
    )
  })
  block.append(button)
}

const enableFilter = (input) => {
  input.hidden = false
  input.addEventListener('input', () => {
    const wanted = input.value.trim().toLowerCase()
    for (const section of document.querySelectorAll('[data-family]')) {
      let shown = 0
      for (const row of section.querySelectorAll('tbody tr')) {
        row.hidden = !row.textContent.toLowerCase().includes(wanted)
        if (!row.hidden) shown += 1
      }
      section.hidden = shown === 0
    }
  })
}

document.addEventListener('DOMContentLoaded', () => {
  // Only a secure page, or one on this machine, may write to the clipboard.
  if (navigator.clipboard) for (const block of document.querySelectorAll('.code')) addCopyButton(block)
  for (const input of document.querySelectorAll('.filter')) enableFilter(input)
})
