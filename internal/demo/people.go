package demo

// Person is somebody with mail.
type Person struct {
	Name, Login, Password string
	// FirstName and City are what the demo's campaign knows of people.
	FirstName, City string
}

// People are those who have mail here. Everybody may know their passwords.
func People() []Person {
	return []Person{
		{"Anna Berger", "anna@demo.example", "inlay", "Anna", "Lübeck"},
		{"Bram Visser", "bram@demo.example", "inlay", "Bram", "Utrecht"},
		{"Chloé Martin", "chloe@demo.example", "inlay", "Chloé", "Lyon"},
	}
}
