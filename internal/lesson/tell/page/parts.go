package page

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/lesson/tell"
)

// stepsTable is the README's table of the steps. How they end is another one's: the reader is to guess first.
func stepsTable(from source) (string, error) {
	text := "| Step | What changes | Size here | In the article | The article's section |\n|---|---|---|---|---|\n"
	for _, step := range from.steps {
		outcomes, err := recorded(from.record, step)
		if err != nil {
			return "", err
		}
		main := outcomes[len(outcomes)-1]
		text += fmt.Sprintf("| [%s](steps/%s/) | %s | %s | %s | %s |\n", step.Name, step.Name,
			step.Change, table.Size(main.Image.Bytes), orDash(step.ArticleSize), step.Article)
	}
	return text + fmt.Sprintf("\nMeasured on %s, with %s.\n", from.record.Base.Said(), from.record.Engine.Said()), nil
}

// byHand are the commands of a step as the article types them, with a request where it answers.
func byHand(from source) (string, error) {
	outcomes, err := recorded(from.record, from.step)
	if err != nil {
		return "", err
	}
	text := "```console\n$ cd " + filepath.ToSlash(filepath.Join("steps", from.step.Name)) + "\n$ docker build -t echo .\n"
	if outcomes[len(outcomes)-1].Outcome != table.Runs {
		return text + "$ docker run --rm --name echo --publish 8080:8080 echo\n$ cd ../..\n```\n", nil
	}
	return text + "$ docker run --rm --detach --name echo --publish 8080:8080 echo\n$ curl 'http://127.0.0.1:8080/?message=hello'\nhello\n" +
		"$ docker stop echo\necho\n$ cd ../..\n```\n\n(In PowerShell: `curl.exe`. Port 8080 is taken? Then `--publish 8081:8080`, and ask there.)\n", nil
}

func cell(row string) string {
	row = strings.Join(strings.Fields(row), " ")
	for _, word := range []string{"RUNS", "FAILS"} {
		row = strings.Replace(row, word, strings.ToLower(word), 1)
	}
	return row
}

func orDash(size table.Size) string {
	if size == 0 {
		return "–"
	}
	return size.String()
}

// changes is the diff of a step's Dockerfiles to the step before it.
func changes(from source) (string, error) {
	text := ""
	for i := len(from.step.Tries) - 1; i >= 0; i-- {
		try := from.step.Tries[i]
		lines, err := tell.Diff(append(slices.Clone(from.steps), from.beyond...), from.step, try.Dockerfile)
		if err != nil {
			return "", err
		}
		if len(from.step.Tries) > 1 {
			text += "`" + try.Dockerfile + "`:\n\n"
		}
		text += "```diff\n" + strings.Join(lines, "\n") + "\n```\n"
	}
	return text, nil
}

// output is a step's recorded output.
func output(from source) (string, error) {
	text, err := os.ReadFile(filepath.Join(from.step.Dir, "output.txt"))
	if err != nil {
		return "", err
	}
	return "```console\n" + strings.TrimRight(string(text), "\n") + "\n```\n", nil
}

// size is what a step's image weighs, here and in the article.
func size(from source) (string, error) {
	outcomes, err := recorded(from.record, from.step)
	if err != nil {
		return "", err
	}
	image := outcomes[len(outcomes)-1].Image
	text := fmt.Sprintf("The image: %s", table.Size(image.Bytes))
	if from.step.ArticleSize > 0 {
		text += fmt.Sprintf(" (in the article %s)", from.step.ArticleSize)
	}
	if image.Binary > 0 {
		text += fmt.Sprintf("; %s is %d bytes of it, all else %d bytes", table.Binary, image.Binary, image.Bytes-image.Binary)
	}
	return text + ".\n", nil
}
