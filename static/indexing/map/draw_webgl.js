// The points in WebGL2: one draw call, positions and classes in buffers, colours in a row of a texture.
export const MARKED = 1;  // in the second byte of a point: selected, or a hit

const VERTEX = `#version 300 es
layout(location = 0) in vec2 place;
layout(location = 1) in vec2 before;
layout(location = 2) in uvec2 what;
uniform vec4 look;    // middle x, y; twice the scale over width and over height
uniform float radius; // in pixels of the screen
uniform float moved;  // 0: at "before", 1: at "place"
uniform float dim;    // how much of their colour points keep that are not marked
uniform uint only;    // 0: those that are not marked, 1: those that are
uniform sampler2D colours;
out vec4 colour;
flat out float edge;
void main() {
  vec4 mine = texelFetch(colours, ivec2(int(what.x), 0), 0);
  bool marked = (what.y & 1u) == 1u;
  if (mine.a == 0.0 || uint(marked) != only) { gl_Position = vec4(2.0, 2.0, 2.0, 1.0); gl_PointSize = 1.0; return; }
  vec2 at = (mix(before, place, moved) - look.xy) * look.zw;
  gl_Position = vec4(at.x, -at.y, 0.0, 1.0);
  float size = marked ? radius * 1.35 + 0.5 : radius;
  gl_PointSize = 2.0 * size + 1.0;
  edge = size / (size + 0.5);
  colour = marked ? vec4(mine.rgb, 1.0) : vec4(mine.rgb, mine.a * dim);
}`;

const FRAGMENT = `#version 300 es
precision mediump float;
in vec4 colour;
flat in float edge;
out vec4 shown;
void main() {
  float away = length(2.0 * gl_PointCoord - 1.0);
  float alpha = colour.a * (1.0 - smoothstep(2.0 * edge - 1.0, 1.0, away));
  shown = vec4(colour.rgb * alpha, alpha);
}`;

function program(gl) {
  const made = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(made, shader);
  }
  gl.linkProgram(made);
  if (!gl.getProgramParameter(made, gl.LINK_STATUS)) { throw new Error(gl.getProgramInfoLog(made)); }
  return made;
}

// Whether the browser would compute WebGL2 without a graphics card, which it does not call a performance caveat.
export function inSoftware() {
  const gl = new OffscreenCanvas(1, 1).getContext("webgl2");
  if (!gl) { return false; }
  const named = gl.getExtension("WEBGL_debug_renderer_info");
  const renderer = gl.getParameter(named ? named.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|software|basic render/i.test(renderer);
}

export class WebglDrawing {
  // Null where the browser has no WebGL2.
  static on(canvas) {
    const gl = canvas.getContext("webgl2", { antialias: false, depth: false, premultipliedAlpha: true });
    return gl && new WebglDrawing(gl);
  }

  constructor(gl) {
    this.kind = "webgl2";
    this.gl = gl;
    this.program = program(gl);
    this.at = (name) => gl.getUniformLocation(this.program, name);
    this.uniforms = Object.fromEntries(["look", "radius", "moved", "dim", "only"].map((name) => [name, this.at(name)]));
    this.buffers = [gl.createBuffer(), gl.createBuffer(), gl.createBuffer()];
    gl.useProgram(this.program);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
    this.count = 0;
  }

  // xy Float32Array[2n]; `before`: where they come from, when they are to move.
  setPoints(xy, before = xy) {
    const { gl } = this;
    this.count = xy.length / 2;
    [xy, before].forEach((array, place) => {
      const same = place === 1 && before === xy;
      gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[same ? 0 : place]);
      if (!same) { gl.bufferData(gl.ARRAY_BUFFER, array, gl.STATIC_DRAW); }
      gl.enableVertexAttribArray(place);
      gl.vertexAttribPointer(place, 2, gl.FLOAT, false, 0, 0);
    });
  }

  // what Uint8Array[2n]: class and marks of each point, in turns.
  setWhat(what) {
    const { gl } = this;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[2]);
    gl.bufferData(gl.ARRAY_BUFFER, what, gl.DYNAMIC_DRAW);
    gl.enableVertexAttribArray(2);
    gl.vertexAttribIPointer(2, 2, gl.UNSIGNED_BYTE, 0, 0);
  }

  // palette Uint8Array[4 * 256]: the colour of each class; alpha 0 hides it.
  setPalette(palette) {
    const { gl } = this;
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, palette);
  }

  resize() {
    this.gl.viewport(0, 0, this.gl.canvas.width, this.gl.canvas.height);
  }

  draw(view, { radius, ratio, limit, dim, anyMarked, moved }) {
    const { gl, uniforms } = this;
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniform4f(uniforms.look, view.x, view.y, 2 * view.scale / view.width, 2 * view.scale / view.height);
    gl.uniform1f(uniforms.radius, radius * ratio);
    gl.uniform1f(uniforms.moved, moved);
    gl.uniform1f(uniforms.dim, dim);
    gl.uniform1ui(uniforms.only, 0);
    gl.drawArrays(gl.POINTS, 0, Math.min(limit, this.count));
    if (anyMarked) {  // on top, and always all of them
      gl.uniform1ui(uniforms.only, 1);
      gl.drawArrays(gl.POINTS, 0, this.count);
    }
  }
}
