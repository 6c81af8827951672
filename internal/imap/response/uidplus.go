package response

import (
	"bytes"

	"inlay.example/inlay/internal/imap"
)

const maxRanges = 1 << 20 // of the sets in APPENDUID, COPYUID and ESEARCH

// ParseAppendUID parses the arguments of the code APPENDUID. With MULTIAPPEND there are several
// UIDs, in the order of the messages.
//
//	resp-code-apnd = "APPENDUID" SP nz-number SP append-uid      (rfc4315 §4)
//	append-uid     = uniqueid
//	append-uid    =/ uid-set                                     (with MULTIAPPEND)
func ParseAppendUID(args []byte) (validity uint32, uids imap.SeqSet, err error) {
	f := bytes.Split(args, []byte(" "))
	if len(f) != 2 {
		return 0, nil, invalid("APPENDUID %q: UIDVALIDITY and UIDs expected", clip(args))
	}
	if validity, err = uidValidity("APPENDUID", f[0]); err != nil {
		return 0, nil, err
	}
	uids, err = uidSet("APPENDUID", f[1])
	return validity, uids, err
}

// ParseCopyUID parses the arguments of the code COPYUID. The n-th UID of src, in the order that
// it was written in, became the n-th of dst.
//
//	resp-code-copy = "COPYUID" SP nz-number SP uid-set SP uid-set      (rfc4315 §4)
func ParseCopyUID(args []byte) (validity uint32, src, dst imap.SeqSet, err error) {
	f := bytes.Split(args, []byte(" "))
	if len(f) != 3 {
		return 0, nil, nil, invalid("COPYUID %q: UIDVALIDITY and two sets of UIDs expected", clip(args))
	}
	if validity, err = uidValidity("COPYUID", f[0]); err != nil {
		return 0, nil, nil, err
	}
	if src, err = uidSet("COPYUID", f[1]); err != nil {
		return 0, nil, nil, err
	}
	dst, err = uidSet("COPYUID", f[2])
	return validity, src, dst, err
}

func uidValidity(code string, b []byte) (uint32, error) {
	n, err := number(string(b))
	if err != nil || n == 0 {
		return 0, invalid("%s: UIDVALIDITY %q: a number from 1 to 4294967295 expected", code, clip(b))
	}
	return n, nil
}

// uidSet parses a set in which "*" has no place.
//
//	uid-set = (uniqueid / uid-range) *("," uid-set)
func uidSet(code string, b []byte) (imap.SeqSet, error) {
	set, err := imap.ParseSeqSet(b, maxRanges)
	if err != nil {
		return nil, invalid("%s %q: %v", code, clip(b), err)
	}
	if set.HasStar() {
		return nil, invalid("%s %q: * among UIDs", code, clip(b))
	}
	return set, nil
}
