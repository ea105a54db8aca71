// What is looked at inside the page. Each check returns its findings, a sentence each.

const tag = (element) => element.cloneNode().outerHTML.slice(0, 120)

const all = (selector, within = document) => [...within.querySelectorAll(selector)]

/** A computed colour as [red, green, blue, alpha]. */
const parts = (color) => {
  const numbers = color.match(/[\d.]+/g).map(Number)
  return numbers.length === 3 ? [...numbers, 1] : numbers
}

/** The contrast of a computed colour with the paper, by the formula of WCAG. */
const contrast = (color) => {
  const paper = parts(getComputedStyle(document.body).backgroundColor)
  const [red, green, blue, alpha] = parts(color)
  const luminance = (channels) => {
    const linear = channels.map((channel) => channel / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
  }
  const ink = [red, green, blue].map((channel, i) => channel * alpha + paper[i] * (1 - alpha))
  const [darker, lighter] = [luminance(ink), luminance(paper.slice(0, 3))].sort((a, b) => a - b)
  return (lighter + 0.05) / (darker + 0.05)
}

const where = (element) => {
  const { left, top, width, height } = element.getBoundingClientRect()
  return { x: left + scrollX, y: top + scrollY, width, height }
}

/** The part of the page where an element is, with some room around it. */
const clip = (element) => {
  const { x, y, width, height } = where(element)
  return { x: Math.max(0, x - 12), y: Math.max(0, y - 12), width: width + 24, height: height + 24, scale: 1 }
}

const stops = () => all('a[href], summary')

window.checks = {
  /** Opens what is folded, so that the other checks see it. */
  unfold() {
    all('details').forEach((details) => { details.open = true })
  },

  /** What axe-core finds, and what it cannot judge. Of the latter, text in a picture is judged by `drawing`. */
  async axe() {
    const { violations, incomplete } = await axe.run({ resultTypes: ['violations', 'incomplete'], rules: { 'target-size': { enabled: true } } })
    const said = ({ id, help }, { html, failureSummary }) => `axe: ${id}, ${help}: ${html} ${failureSummary}`
    const unsure = incomplete.flatMap((rule) => rule.nodes
      .filter((node) => rule.id !== 'color-contrast' || !document.querySelector(node.target[0]).closest('svg'))
      .map((node) => `${said(rule, node)} (not sure)`))
    return [...violations.flatMap((rule) => rule.nodes.map((node) => said(rule, node))), ...unsure]
  },

  /** Each element with its place and its whole computed style. */
  appearance() {
    return all('*').map((element) => {
      const style = getComputedStyle(element)
      const properties = [...style].map((name) => `${name}: ${style.getPropertyValue(name)}`)
      return `${tag(element)} ${JSON.stringify(where(element))} ${properties.join('; ')}`
    })
  },

  /** What is in the page that has no business there. */
  contents() {
    const faults = []
    const foreign = 'script, iframe, frame, object, embed, form, input, base, audio, video, img, image, link:not([rel=icon], [rel=canonical])'
    all(foreign).forEach((element) => faults.push(`the page contains ${tag(element)}`))
    all('*').forEach((element) => [...element.attributes].forEach(({ name, value }) => {
      if (name === 'style' || name.startsWith('on') || name === 'ping' || name === 'target' || name === 'srcset') {
        faults.push(`the page contains the attribute ${name}: ${tag(element)}`)
      }
      const inside = name === 'href' && (value.startsWith('#') || (element.rel === 'icon' && value.startsWith('data:')))
      if (name === 'href' && inside && value.startsWith('#') && !document.getElementById(value.slice(1))) {
        faults.push(`a link leads to nothing on the page: ${tag(element)}`)
      }
      if ((name === 'href' || name === 'src') && !inside && !value.startsWith('https://')) {
        faults.push(`an address is not of https: ${tag(element)}`)
      }
    }))
    all('progress').forEach((bar) => {
      if (!bar.getAttribute('aria-label')?.trim() && !bar.labels.length) faults.push(`a bar has no name: ${tag(bar)}`)
    })
    if (/[\u200e\u200f\u202a-\u202e\u2066-\u2069]/.test(document.title + document.body.textContent)) {
      faults.push('the page contains characters that reverse text')
    }
    const ids = all('[id]').map((element) => element.id)
    ids.filter((id, i) => ids.indexOf(id) !== i).forEach((id) => faults.push(`two elements have the id ${id}`))
    return faults
  },

  /** What reaches out of the window, or what makes it scroll sideways. */
  width() {
    const faults = []
    const page = document.scrollingElement
    if (page.scrollWidth > innerWidth) faults.push(`the page is ${page.scrollWidth} px wide`)
    all('body *').forEach((element) => {
      const { left, right, width } = element.getBoundingClientRect()
      if (width && (left < -0.5 || right > innerWidth + 0.5)) {
        faults.push(`it reaches from ${left} to ${right} px: ${tag(element)}`)
      }
    })
    return faults
  },

  /** Short words that do not fit on a line. */
  words() {
    const faults = []
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (texts.nextNode()) {
      for (const { 0: word, index } of texts.currentNode.data.matchAll(/(?<!\S)[A-Za-z]{2,12}(?![^\s.,:?])/g)) {
        const range = document.createRange()
        range.setStart(texts.currentNode, index)
        range.setEnd(texts.currentNode, index + word.length)
        const tops = new Set([...range.getClientRects()].map((line) => line.top))
        if (tops.size > 1) faults.push(`a word is broken: ${word} in ${texts.currentNode.data}`)
      }
    }
    return faults
  },

  /** Whether what is drawn can be seen and read: axe-core does not judge it. */
  drawing() {
    const faults = []
    const texts = all('svg text').filter((text) => text.getBoundingClientRect().width)
    const paint = (element) => {
      const { fill, stroke } = getComputedStyle(element)
      return Math.max(...[fill, stroke].filter((color) => color !== 'none').map(contrast))
    }
    const drawn = [['svg text', 4.5], ['.curve, .head, .stem, .now', 3]]
    drawn.forEach(([selector, least]) => all(selector).filter((element) => paint(element) < least)
      .forEach((element) => faults.push(`too weak: ${element.outerHTML}`)))
    const meets = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom
    texts.forEach((one, i) => texts.slice(i + 1)
      .filter((other) => meets(one.getBoundingClientRect(), other.getBoundingClientRect()))
      .forEach((other) => faults.push(`one lies on the other: ${one.outerHTML} ${other.outerHTML}`)))
    return faults
  },

  /** Names that change the order of what is around them, as letters written from right to left can. */
  order() {
    const place = (element) => element.getClientRects()[0]
    const swapped = (one, other) => place(one).top === place(other).top && place(one).left > place(other).left
    return all('p').filter((text) => {
      const parts = [...text.children].filter((part) => part.getClientRects().length)
      return parts.slice(1).some((part, i) => swapped(parts[i], part))
    }).map((text) => `it is not in its order: ${text.textContent}`)
  },

  /** Texts that cannot be read on the page as they were written. */
  missing(texts) {
    const shown = document.body.innerText
    return texts.filter((text) => !shown.includes(text)).map((text) => `it is not shown as text: ${text}`)
  },

  /** Text that does not grow when the reader makes plain text twice as large: 32 px instead of 16. What is large already
    may grow less, so that its words still fit on a phone. Call it before and after. */
  growth() {
    const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim())
    const sizes = all('body *').filter(hasText).map((element) => [element, parseFloat(getComputedStyle(element).fontSize)])
    if (!this.before) {
      this.before = new Map(sizes)
      return []
    }
    const least = (before) => (before < 24 ? 1.99 * before : 1.2 * before)
    return sizes.filter(([element, size]) => size < least(this.before.get(element)))
      .map(([element, size]) => `text stays at ${size} px: ${tag(element)}`)
  },

  /** The elements at which the Tab key is to stop. */
  stops: () => stops().map(tag),

  /** Where the focus is: the number of the stop, what is wrong with its outline, and where it is. */
  focus() {
    const element = document.activeElement
    const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(element)
    const visible = outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 && contrast(outlineColor) >= 3
    const faults = visible ? [] : [`the outline is weak: ${tag(element)}`]
    return { stop: stops().indexOf(element), faults, clip: clip(element), open: element.parentElement.open ?? null }
  },

  unfocus: () => document.activeElement.blur(),

  /** Where the first of these elements is. */
  clip: (selector) => clip(document.querySelector(selector)),

  /** Takes elements away, and leaves their places. */
  hide: (selector) => all(selector).forEach((element) => { element.style.visibility = 'hidden' }),

  /** Brings them back. */
  show: (selector) => all(selector).forEach((element) => { element.style.visibility = '' }),

  /** Empties the bars. */
  empty: () => all('progress').forEach((bar) => { bar.before = bar.value; bar.value = 0 }),

  /** Fills them as before. */
  fill: () => all('progress').forEach((bar) => { bar.value = bar.before }),

  /** Which kinds of foreign content the page's policy does not stop within so many milliseconds. */
  async policy(limit) {
    const elsewhere = 'https://127.0.0.1:9/'
    const add = (name, properties) => document.body.append(Object.assign(document.createElement(name), properties))
    const attempts = {
      'script-src-elem': () => add('script', { textContent: 'window.ran = true' }),
      'script-src-attr': () => { add('b'); document.body.lastChild.setAttribute('onclick', 'window.ran = true') },
      'style-src-elem': () => add('style', { textContent: '* { color: inherit }' }),
      'style-src-attr': () => document.body.lastChild.setAttribute('style', 'color: inherit'),
      'img-src': () => add('img', { src: elsewhere, alt: '' }),
      'media-src': () => add('video', { src: elsewhere }),
      'object-src': () => add('object', { data: elsewhere }),
      'frame-src': () => add('iframe', { src: elsewhere }),
      'connect-src': () => fetch(elsewhere).catch(() => {}),
      'font-src': () => new FontFace('hostile', `url(${elsewhere})`).load().catch(() => {}),
      'base-uri': () => add('base', { href: elsewhere }),
      // Where no policy stops it, only the empty frame goes elsewhere, so that the page stays.
      'form-action': () => {
        add('iframe', { name: 'inner' })
        add('form', { action: elsewhere, target: 'inner' })
        document.body.lastChild.submit()
      },
    }
    const stopped = new Set()
    const kinds = Object.keys(attempts)
    await new Promise((resolve) => {
      setTimeout(resolve, limit)
      document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => {
        stopped.add(effectiveDirective)
        if (kinds.every((kind) => stopped.has(kind))) resolve()
      })
      Object.values(attempts).forEach((attempt) => attempt())
    })
    const faults = kinds.filter((kind) => !stopped.has(kind)).map((kind) => `the policy does not stop ${kind}`)
    return window.ran ? [...faults, 'a foreign script ran'] : faults
  },
}
