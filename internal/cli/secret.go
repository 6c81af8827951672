package cli

import (
	"io"
	"os"
	"strings"

	"inlay.example/inlay/internal/fault"
)

// maxSecretFile is the greatest size of a file with a secret, in octets.
const maxSecretFile = 8 << 10

// secretOf gives a secret that may come by flag, from a file or from the environment: the
// first that is there. A secret on the command line can be seen by everybody on the machine,
// which is why there are the others.
func secretOf(std IO, flag, text, file, env string) (string, error) {
	switch {
	case text != "" && file != "":
		return "", fault.New(fault.Invalid, "%s and %s-file are given: give one", flag, flag)
	case text != "":
		return text, nil
	case file == "":
		return std.Getenv(env), nil
	}
	f, err := os.Open(file)
	if err != nil {
		return "", fault.New(fault.Invalid, "%s-file: %v", flag, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	if err != nil {
		return "", fault.New(fault.Invalid, "%s-file: %v", flag, err)
	}
	secret := strings.TrimRight(string(data), "\r\n")
	if secret == "" || len(data) > maxSecretFile {
		return "", fault.New(fault.Invalid, "%s-file: %s is empty or larger than %d octets", flag, file, maxSecretFile)
	}
	return secret, nil
}
