/** A line of terminal output, with ANSI styles, and the time at which it appears. */
export interface TerminalLine {
  atMs: number;
  text: string;
}

const FONT_SIZE = 14;
const CHARACTER_WIDTH = 8.4;
const LINE_HEIGHT = 20;
const COLUMNS = 80;
const PADDING = 20;
const TITLE_BAR_HEIGHT = 36;
const WIDTH = Math.ceil(COLUMNS * CHARACTER_WIDTH) + 2 * PADDING;

/** CSS classes by SGR code; an empty string ends a style of that kind. */
const SGR_CLASSES: Readonly<Record<string, { kind: 'weight' | 'color'; name: string }>> = {
  1: { kind: 'weight', name: 'bold' },
  2: { kind: 'weight', name: 'dim' },
  22: { kind: 'weight', name: '' },
  32: { kind: 'color', name: 'green' },
  33: { kind: 'color', name: 'yellow' },
  36: { kind: 'color', name: 'cyan' },
  39: { kind: 'color', name: '' },
};

// Without animation, or with reduced motion, all lines are visible from the start.
const STYLE = `
.window { fill: #f6f8fa; stroke: #d1d9e0; }
.button { fill: #d1d9e0; }
text { font: ${FONT_SIZE}px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #1f2328; }
.bold { font-weight: 600; }
.dim { fill: #59636e; }
.green { fill: #1a7f37; }
.yellow { fill: #9a6700; }
.cyan { fill: #0e7490; }
@media (prefers-color-scheme: dark) {
  .window { fill: #0d1117; stroke: #3d444d; }
  .button { fill: #3d444d; }
  text { fill: #f0f6fc; }
  .dim { fill: #9198a1; }
  .green { fill: #3fb950; }
  .yellow { fill: #d29922; }
  .cyan { fill: #39c5cf; }
}
@keyframes appear { from { opacity: 0; } to { opacity: 1; } }
@media (prefers-reduced-motion: no-preference) {
  .line { animation: appear 1ms both; }
}
`;

/** Renders terminal output of up to 80 columns as a self-contained, animated SVG without scripts. */
export function terminalSvg(title: string, lines: readonly TerminalLine[]): string {
  const height = TITLE_BAR_HEIGHT + lines.length * LINE_HEIGHT + PADDING;
  const buttons = [0, 1, 2].map(
    (index) => `<circle class="button" cx="${PADDING + 6 + index * 20}" cy="19" r="6"/>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="title">`,
    `<title id="title">${escapeXml(title)}</title>`,
    `<style>${STYLE}</style>`,
    `<rect class="window" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8"/>`,
    ...buttons,
    ...lines.map(renderLine),
    '</svg>',
    '',
  ].join('\n');
}

function renderLine({ atMs, text }: TerminalLine, index: number): string {
  const spans = parseStyles(text);
  const length = spans.reduce((sum, span) => sum + [...span.text].length, 0);
  if (length === 0) return '';
  const y = TITLE_BAR_HEIGHT + (index + 1) * LINE_HEIGHT - 5;
  // The length keeps columns aligned with any font.
  const textLength = Math.round(length * CHARACTER_WIDTH * 10) / 10;
  const content = spans.map(({ text: part, classes }) =>
    classes === '' ? terminalText(part) : `<tspan class="${classes}">${terminalText(part)}</tspan>`,
  );
  return `<text class="line" x="${PADDING}" y="${y}" textLength="${textLength}" style="animation-delay:${Math.round(atMs)}ms">${content.join('')}</text>`;
}

/** Splits a line with ANSI styles into parts with CSS classes. Unknown styles are ignored. */
function parseStyles(line: string): { text: string; classes: string }[] {
  const current = { weight: '', color: '' };
  const spans: { text: string; classes: string }[] = [];
  for (const [index, part] of line.split(`${String.fromCharCode(27)}[`).entries()) {
    const match = index === 0 ? undefined : /^([\d;]*)m/.exec(part);
    for (const code of match?.[1]?.split(';') ?? []) {
      const style = SGR_CLASSES[code];
      if (style) current[style.kind] = style.name;
    }
    const text = match ? part.slice(match[0].length) : part;
    const classes = [current.weight, current.color].filter(Boolean).join(' ');
    if (text !== '') spans.push({ text, classes });
  }
  return spans;
}

/** Escapes text for XML. No-break spaces preserve the columns, because SVG viewers collapse ordinary spaces. */
function terminalText(text: string): string {
  return escapeXml(text).replaceAll(' ', '\u00a0');
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
