/* The little linear algebra that the network needs, in float64. A matrix is one flat Float64Array, row after row. */
"use strict";

const Algebra = (() => {
  /* out[0..n) += v[0..m) . W, W (m,n) */
  function addProduct(v, vAt, W, m, n, out, outAt) {
    for (let i = 0; i < m; i++) {
      const factor = v[vAt + i];
      if (factor === 0) continue;
      for (let j = 0; j < n; j++) out[outAt + j] += factor * W[i * n + j];
    }
  }

  /* out[0..m) += v[0..n) . W^T, W (m,n) */
  function addTransposed(v, vAt, W, m, n, out, outAt) {
    for (let i = 0; i < m; i++) {
      let sum = 0;
      for (let j = 0; j < n; j++) sum += W[i * n + j] * v[vAt + j];
      out[outAt + i] += sum;
    }
  }

  function norm(values, at, count) {
    let largest = 0;
    for (let i = 0; i < count; i++) largest = Math.max(largest, Math.abs(values[at + i]));
    if (largest === 0 || !isFinite(largest)) return largest;
    let sum = 0;
    for (let i = 0; i < count; i++) sum += (values[at + i] / largest) ** 2;
    return largest * Math.sqrt(sum);
  }

  /* The largest singular value of A (n,n): Lanczos on A A^T, each new direction made orthogonal to all before, until the largest eigenvalue of
     the tridiagonal matrix it builds no longer moves; with n directions it is exact. */
  function spectralNorm(A, n) {
    let scale = 0;
    for (const a of A) scale = Math.max(scale, Math.abs(a));
    if (scale === 0 || !isFinite(scale)) return scale;
    const B = A.map(a => a / scale);
    const alphas = [], betas = [], basis = [];
    let v = Float64Array.from({ length: n }, (_, i) => Math.cos(1 + 2.3 * i * i) + 1.1), largest = 0;
    let length = norm(v, 0, n);
    for (let k = 0; k < n; k++) {
      v = v.map(value => value / length);
      basis.push(v);
      const half = new Float64Array(n), w = new Float64Array(n);
      addProduct(v, 0, B, n, n, half, 0);
      addTransposed(half, 0, B, n, n, w, 0);
      alphas.push(dot(v, w));
      for (let pass = 0; pass < 2; pass++) for (const u of basis) { const share = dot(u, w); for (let i = 0; i < n; i++) w[i] -= share * u[i]; }
      length = norm(w, 0, n);
      if (k === n - 1 || length < 1e-15 * Math.max(largest, 1e-300) || (k > 4 && k % 6 === 0)) {
        const now = largestEigenvalue(alphas, betas);
        const done = Math.abs(now - largest) <= 1e-14 * now;
        largest = now;
        if (done) break;
      }
      if (length === 0) { largest = largestEigenvalue(alphas, betas); break; }
      betas.push(length);
      v = w;
    }
    return scale * Math.sqrt(Math.max(largest, 0));
  }

  function dot(u, v) {
    let sum = 0;
    for (let i = 0; i < u.length; i++) sum += u[i] * v[i];
    return sum;
  }

  /* Of a symmetric tridiagonal matrix, by bisection: how many eigenvalues lie above x is how many pivots of (x I - T) are negative. */
  function largestEigenvalue(diagonal, beside) {
    const n = diagonal.length, off = k => (k < 0 || k >= n - 1 ? 0 : Math.abs(beside[k]));
    let low = -Infinity, high = -Infinity;
    for (let k = 0; k < n; k++) { low = Math.max(low, diagonal[k]); high = Math.max(high, diagonal[k] + off(k) + off(k - 1)); }
    const someAbove = x => {
      let pivot = x - diagonal[0];
      if (pivot < 0) return true;
      for (let k = 1; k < n; k++) {
        pivot = x - diagonal[k] - off(k - 1) ** 2 / (pivot || 1e-300);
        if (pivot < 0) return true;
      }
      return false;
    };
    for (let round = 0; round < 200; round++) {
      const middle = (low + high) / 2;
      if (middle === low || middle === high) break;
      if (someAbove(middle)) low = middle; else high = middle;
    }
    return high;
  }

  return { addProduct, addTransposed, norm, spectralNorm };
})();
