package demo

// Person is somebody with mail.
type Person struct {
	Name, Login, Password string
	// FirstName, City and Plan are what the demo's campaign knows of people.
	FirstName, City, Plan string
}

// People are those who have mail here. Everybody may know their passwords.
func People() []Person {
	return []Person{
		{"Anna Berger", "anna@demo.example", "inlay", "Anna", "Lübeck", "standard"},
		{"Bram Visser", "bram@demo.example", "inlay", "Bram", "Utrecht", "family"},
		{"Chloé Martin", "chloe@demo.example", "inlay", "Chloé", "Lyon", "free"},
	}
}
