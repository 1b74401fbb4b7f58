package check

import (
	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/lesson/run"
)

// userSet is a USER that is named, and is root.
const userSet = "user-set"

// A hint points at where to look; what to write there is the learner's to find.
var hints = map[string]map[string]string{
	Builds: {
		run.CommandNotFound: "Which image does that instruction run in? A command can only run where its program lies.",
		run.ToolchainTooOld: "Two numbers are in its words: the Go that go.mod asks for, and the Go that the image has. Which of the " +
			"two can you change?",
		run.VCSStatus: "Go wants to write the commit into the program, and asks git. Whose are the files, who compiles, and does " +
			".git have to be there?",
		run.CompileError: "The compiler names the file and the line. Was all of the program copied before this instruction?",
		"": "Read the failed instruction alone: does every path, name and number in it exist at that point, and may " +
			"that user write there?",
	},
	Starts: {
		string(doctor.MissingShell): "Who is asked to run your command? Compare the two forms of ENTRYPOINT: one of them needs a " +
			"program that this image lacks.",
		string(doctor.MissingLoader): "The file that is missing is not the program; something inside the program asks for it. What " +
			"made the compiler put that in? (section after “Using …” in the article)",
		string(doctor.MissingLibrary): "The program needs a library that stayed in the other stage. Either it comes along, or the " +
			"program learns to do without.",
		string(doctor.UnknownUser): "A name means something only to whoever can look it up. What does the engine read in this " +
			"image to turn it into a number?",
		string(doctor.UnknownGroup): "A group's name is looked up as a user's is, in a file of its own. Is it in the image?",
		string(doctor.MissingEntrypoint): "Compare two paths letter by letter: where COPY puts the program, and what ENTRYPOINT or CMD " +
			"asks for.",
		string(doctor.NotOnPath): "A name without a slash is looked for in the folders of PATH. Does the program lie in one " +
			"of them?",
		string(doctor.NotExecutable): "Look at the file's mode. Where did it lose the x, or why did it never have it?",
		string(doctor.UserCannotExecute): "Look at the owner and the mode of the program, and of the folders on the way to it. Who may " +
			"do what?",
		string(doctor.IsDirectory):        "What is named is a folder. A COPY to a path that is a folder puts the file into it.",
		string(doctor.NoCommand):          "The image does not say what to run. Which instruction of the last stage does?",
		string(doctor.WrongArchitecture):  "For which machine was it compiled? Look at GOARCH, and at --platform.",
		string(doctor.ExecFormat):         "Is this file a program at all? Look at its first bytes and at its size.",
		string(doctor.MissingInterpreter): "It is a script, and its first line names a program. Is that one in the image?",
		"":                                "Ask the doctor about this image: it knows what a start needs, and says what it looked at.",
	},
	Answers: {
		run.LoopbackOnly: "It listens, but at an address that means “this machine” to the program, and inside a container the program's " +
			"machine is the container. At which address must it listen so that others reach it?",
		run.NoAnswer: "It runs, but nobody listens on port 8080. Which port does the program take, and what in the Dockerfile could " +
			"change that?",
		run.WrongAnswer: "Something answers, but not the echo. Is this the program that you mean to run, and is it unchanged?",
		run.Exited:      "It started, and gave up by itself. Its own last words tell why: an argument, a variable, a file?",
	},
	NotRoot: {
		userSet: "The word USER is there, and what it comes to is user 0 all the same. Which number does the name stand for, and in " +
			"which file; or is it a group alone?",
		"": "An image without a word about it runs as root; what an earlier stage said does not count. The article's last section " +
			"is about this.",
	},
	Small: {"": "Every instruction of the last stage that brings files adds a layer, and no later one takes bytes back. " +
		"Which of them bring more than the program?"},
	NothingExtra: {"": "Look at what each COPY of the last stage brings, and at what it starts FROM. What of it does the running " +
		"program use?"},
	AccountsReadOnly: {"": "A program that is taken over must not be able to rewrite who is who. Who owns the account files, and who " +
		"their folder?"},
}
