// Two small charts in SVG: stacked areas and stacked bars over time. Everything is set as attributes and text, never as markup.

const SVG = 'http://www.w3.org/2000/svg';
const HEIGHT = 210, LEFT = 46, RIGHT = 8, TOP = 8, BOTTOM = 24;

function make(name, attributes = {}, text) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

// 1, 2 or 5 times a power of ten, so that about four lines reach the top.
function step(top) {
  const rough = Math.max(top, 1) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const size = [1, 2, 5, 10].find(factor => factor * power >= rough) * power;
  return Math.max(1, size);
}

const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const full = new Intl.NumberFormat('en');
const hour = (time, span) => new Date(time).toISOString().slice(11, span < 300000 ? 19 : 16);

export class TimeChart {
  // series: [{ key, label }], stacked from the bottom; kind: 'area' or 'bars'.
  constructor(place, series, kind) {
    this.series = series;
    this.kind = kind;
    this.points = [];
    this.svg = make('svg', { role: 'img' });
    this.legend = document.createElement('div');
    this.legend.className = 'legend';
    this.values = new Map();
    for (const one of series) {
      const item = document.createElement('span');
      const mark = document.createElement('i');
      mark.className = 'c-' + one.colour;
      const value = document.createElement('b');
      item.append(mark, one.label, value);
      this.legend.append(item);
      this.values.set(one.key, value);
    }
    place.append(this.svg, this.legend);
    new ResizeObserver(() => this.draw()).observe(place);
    this.svg.addEventListener('pointermove', event => { this.pointer = event.offsetX; this.draw(); });
    this.svg.addEventListener('pointerleave', () => { this.pointer = undefined; this.draw(); });
  }

  // points: [{ at, key: number, ... }], oldest first; span: seconds shown.
  show(points, span) {
    this.points = points.map(point => ({ ...point, time: Date.parse(point.at) }));
    this.span = span * 1000;
    this.draw();
  }

  draw() {
    const width = this.svg.clientWidth;
    if (!width || !this.span) return;
    const parts = [];
    const end = this.points.length ? this.points[this.points.length - 1].time : Date.now();
    const begin = this.kind === 'bars' ? end - this.span + 60000 : end - this.span;
    const room = width - LEFT - RIGHT, tall = HEIGHT - TOP - BOTTOM;
    const shown = this.points.filter(point => point.time >= begin - 60000);
    const sums = shown.map(point => this.series.reduce((sum, one) => sum + (point[one.key] || 0), 0));
    const size = step(Math.max(0, ...sums));
    const top = Math.max(size, Math.ceil(Math.max(0, ...sums) / size) * size);
    const slot = room / Math.max(1, this.span / 60000);
    const x = time => LEFT + (time - begin) / (end - begin || 1) * (this.kind === 'bars' ? room - slot : room);
    const y = value => TOP + tall * (1 - value / top);
    for (let value = 0; value <= top; value += size) {
      parts.push(make('line', { class: 'gridline', x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) }));
      parts.push(make('text', { class: 'axis', x: LEFT - 8, y: y(value) + 4, 'text-anchor': 'end' }, short.format(value)));
    }
    const marks = room < 400 ? 2 : 4;
    for (let index = 0; index <= marks; index += 1) {
      const time = begin + (end - begin) * index / marks;
      const anchor = index === 0 ? 'start' : index === marks ? 'end' : 'middle';
      const place = LEFT + room * index / marks;
      parts.push(make('text', { class: 'axis', x: place, y: HEIGHT - 6, 'text-anchor': anchor }, hour(time, end - begin)));
    }
    parts.push(...(this.kind === 'bars' ? this.bars(shown, x, y, slot) : this.areas(shown.filter(point => point.time >= begin), x, y)));
    const chosen = this.choose(shown, x, this.kind === 'bars' ? slot / 2 : 0);
    if (chosen && this.pointer !== undefined) {
      const place = x(chosen.time) + (this.kind === 'bars' ? slot / 2 : 0);
      parts.push(make('line', { class: 'cursor', x1: place, x2: place, y1: TOP, y2: TOP + tall }));
    }
    for (const one of this.series) {
      const text = chosen ? full.format(chosen[one.key] || 0) : '';
      if (this.values.get(one.key).textContent !== text) this.values.get(one.key).textContent = text;
    }
    this.svg.setAttribute('viewBox', `0 0 ${width} ${HEIGHT}`);
    this.svg.setAttribute('aria-label', this.series.map(one => `${one.label} ${chosen ? chosen[one.key] || 0 : 0}`).join(', '));
    this.svg.replaceChildren(...parts);
  }

  choose(points, x, shift) {
    if (!points.length) return undefined;
    if (this.pointer === undefined) return points[points.length - 1];
    return points.reduce((best, point) =>
      Math.abs(x(point.time) + shift - this.pointer) < Math.abs(x(best.time) + shift - this.pointer) ? point : best);
  }

  areas(points, x, y) {
    if (points.length < 2) return [];
    const base = points.map(() => 0);
    return this.series.map(one => {
      const low = [...base];
      points.forEach((point, index) => { base[index] += point[one.key] || 0; });
      const upper = points.map((point, index) => `${x(point.time).toFixed(1)},${y(base[index]).toFixed(1)}`);
      const lower = points.map((point, index) => `${x(point.time).toFixed(1)},${y(low[index]).toFixed(1)}`).reverse();
      return make('path', { class: 's-' + one.colour, d: `M${upper.join('L')}L${lower.join('L')}Z` });
    });
  }

  bars(points, x, y, slot) {
    const wide = Math.max(1, Math.min(18, slot * 0.72));
    return points.flatMap(point => {
      let low = 0;
      return this.series.flatMap(one => {
        const value = point[one.key] || 0;
        if (!value) return [];
        const bar = make('rect', {
          class: 's-' + one.colour, x: (x(point.time) + (slot - wide) / 2).toFixed(1), width: wide.toFixed(1), rx: 1.5,
          y: y(low + value).toFixed(1), height: Math.max(0.5, y(low) - y(low + value)).toFixed(1),
        });
        low += value;
        return [bar];
      });
    });
  }
}
