package response

// ParseFlags parses the rest of a FLAGS response, or the arguments of the code PERMANENTFLAGS.
//
//	mailbox-data   =  "FLAGS" SP flag-list / …
//	resp-text-code =/ "PERMANENTFLAGS" SP "(" [flag-perm *(SP flag-perm)] ")"
//	flag-perm      = flag / "\*"
func ParseFlags(rest []byte) ([]string, error) {
	s := scanner{b: rest}
	s.spaces()
	flags, err := s.flags()
	if err != nil {
		return nil, err
	}
	return flags, s.end()
}
