package deflate

import "errors"

// huffman is a canonical code: symbols sorted by the length of their code and by value (rfc1951
// §3.2.2), and how many there are of each length.
type huffman struct {
	count   [maxCodeBits + 1]uint16
	symbols []uint16
	longest uint // bits of the longest code
}

// decode looks for a symbol at the start of n bits; used is 0 if they do not suffice.
func (h *huffman) decode(bits uint64, n uint) (symbol int, used uint, err error) {
	code, first, index := 0, 0, 0 // of the length that is looked at: the bits, its first code and that one's place
	for length := uint(1); length <= h.longest; length++ {
		if length > n {
			return 0, 0, nil
		}
		code = code<<1 | int(bits&1)
		bits >>= 1
		count := int(h.count[length])
		if code < first+count {
			return int(h.symbols[index+code-first]), length, nil
		}
		index += count
		first = (first + count) << 1
	}
	return 0, 0, errCorrupt
}

// build makes the code of the lengths, into symbols. A code must be complete: but for one of a
// single symbol with one bit, and for an empty one, which is an error when it is used.
func (h *huffman) build(lengths []uint8, symbols []uint16) error {
	*h = huffman{symbols: symbols[:0]}
	for _, l := range lengths {
		h.count[l]++
	}
	used := len(lengths) - int(h.count[0])
	h.count[0] = 0
	free := 1
	for _, count := range h.count[1:] {
		if free = free<<1 - int(count); free < 0 {
			return errCorrupt
		}
	}
	if free > 0 && used > 0 && (used > 1 || h.count[1] == 0) {
		return errCorrupt
	}
	var next [maxCodeBits + 2]uint16
	for l, count := range h.count {
		next[l+1] = next[l] + count
		if count > 0 {
			h.longest = uint(l)
		}
	}
	h.symbols = symbols[:used]
	for symbol, l := range lengths {
		if l > 0 {
			h.symbols[next[l]] = uint16(symbol)
			next[l]++
		}
	}
	return nil
}

// fixed makes the codes that need no description (rfc1951 §3.2.6).
func (f *inflater) fixed() {
	var lengths [288]uint8
	for i := range lengths {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	_ = f.literals.build(lengths[:], f.literalCodes[:]) // it is complete
	var dist [32]uint8
	for i := range dist {
		dist[i] = 5
	}
	_ = f.distances.build(dist[:], f.distCodes[:])
}

// codeOrder is the order in which lengths of code lengths are said (rfc1951 §3.2.7).
var codeOrder = [...]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// dynamicHead reads the description of a block's codes (rfc1951 §3.2.7).
func (f *inflater) dynamicHead(_ []byte, some bool) (int, error) {
	if some {
		return 0, errLater // it is not left in the middle
	}
	err := f.readCodes()
	switch {
	case err == nil:
		f.step = (*inflater).codes
		return 0, nil
	case errors.Is(err, errCorrupt):
		f.step = (*inflater).corrupt
		return 0, err
	default:
		f.step = func(*inflater, []byte, bool) (int, error) { return 0, err } // of the connection, which is over
		return 0, err
	}
}

func (f *inflater) readCodes() error {
	if err := f.need(14, false); err != nil {
		return err
	}
	nliterals, ndist, ncodes := int(f.drop(5))+257, int(f.drop(5))+1, int(f.drop(4))+4
	if nliterals > endOfBlock+1+len(lengthBase) || ndist > len(distBase) {
		return errCorrupt
	}
	var codeLengths [len(codeOrder)]uint8
	for _, i := range codeOrder[:ncodes] {
		if err := f.need(3, false); err != nil {
			return err
		}
		codeLengths[i] = uint8(f.drop(3))
	}
	var of huffman
	var symbols [len(codeOrder)]uint16
	if err := of.build(codeLengths[:], symbols[:]); err != nil {
		return err
	}
	var lengths [288 + 32]uint8
	for n := 0; n < nliterals+ndist; {
		symbol, used, err := of.decode(f.bits, f.nbits)
		if err != nil {
			return err
		}
		if used == 0 {
			if err := f.fill(false); err != nil {
				return err
			}
			continue
		}
		f.drop(used)
		if symbol < 16 {
			lengths[n] = uint8(symbol)
			n++
			continue
		}
		value, base, extra := uint8(0), 3, uint(3)
		switch symbol {
		case 16: // the one before, 3 to 6 times
			if n == 0 {
				return errCorrupt
			}
			value, extra = lengths[n-1], 2
		case 18: // 0, 11 to 138 times; 17 is 0, 3 to 10 times
			base, extra = 11, 7
		}
		if err := f.need(extra, false); err != nil {
			return err
		}
		times := base + int(f.drop(extra))
		if n+times > nliterals+ndist {
			return errCorrupt
		}
		for range times {
			lengths[n] = value
			n++
		}
	}
	if lengths[endOfBlock] == 0 {
		return errCorrupt // it could never end
	}
	if err := f.literals.build(lengths[:nliterals], f.literalCodes[:]); err != nil {
		return err
	}
	return f.distances.build(lengths[nliterals:nliterals+ndist], f.distCodes[:])
}
