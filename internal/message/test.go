package message

import (
	"slices"
	"strconv"
	"strings"
)

// test is a compiled condition.
type test func(r *rendering) bool

// test compiles comparisons joined by "and" or "or", which are taken from the right, as Liquid
// does. It gives the names of variables that have a value where the test succeeds.
//
//	test = value [sign value] [("and" / "or") test]
func (c *compiler) test(toks []token) (t test, known []string, err error) {
	if toks[0].kind == endToken {
		return nil, nil, c.errorf(toks[0].at, "a condition expected")
	}
	left, rest, err := c.operand(toks)
	if err != nil {
		return nil, nil, err
	}
	t = func(r *rendering) bool { return truth(left.asked(r)) }
	if left.variable != "" {
		known = []string{left.variable}
	}
	if op := rest[0]; op.kind == signToken && isComparison(op.text) || op.kind == nameToken && op.text == "contains" {
		right, more, err := c.operand(rest[1:])
		if err != nil {
			return nil, nil, err
		}
		rest = more
		t = func(r *rendering) bool { return compare(op.text, left.asked(r), right.asked(r)) }
		if op.text != "==" || right.variable != "" || right.text == "" {
			known = nil
		}
	}
	switch next := rest[0]; {
	case next.kind == endToken:
		return t, known, nil
	case next.kind == nameToken && (next.text == "and" || next.text == "or"):
		first := t
		second, also, err := c.test(rest[1:])
		if err != nil {
			return nil, nil, err
		}
		if next.text == "and" {
			return func(r *rendering) bool { return first(r) && second(r) }, slices.Concat(known, also), nil
		}
		return func(r *rendering) bool { return first(r) || second(r) }, nil, nil
	case next.text == "|":
		return nil, nil, c.errorf(next.at, "filters cannot stand in a condition")
	default:
		return nil, nil, c.errorf(next.at, "unexpected %q in a condition", next.text)
	}
}

func (c *compiler) operand(toks []token) (expr, []token, error) {
	e, rest, err := c.value(toks)
	if err == nil {
		err = c.note(e, toks[0].at, false)
	}
	return e, rest, err
}

// truth: what is missing or empty is nothing, and so is the word false.
func truth(v string) bool { return v != "" && v != "false" }

func isComparison(sign string) bool {
	return slices.Contains([]string{"==", "!=", "<", "<=", ">", ">="}, sign)
}

// compare compares as numbers where both are, else as texts. What is empty, and what is a
// number beside what is none, has no order.
func compare(op, a, b string) bool {
	if op == "contains" {
		return a != "" && strings.Contains(a, b)
	}
	order := strings.Compare(a, b)
	switch {
	case isNumber(a) && isNumber(b):
		x, _ := strconv.ParseFloat(a, 64) // isNumber says that they are
		y, _ := strconv.ParseFloat(b, 64)
		order = 0
		if x < y {
			order = -1
		} else if x > y {
			order = 1
		}
	case op != "==" && op != "!=" && (a == "" || b == "" || isNumber(a) != isNumber(b)):
		return false
	}
	switch op {
	case "==":
		return order == 0
	case "!=":
		return order != 0
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}
