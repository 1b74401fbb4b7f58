package check

import (
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"optimizing-dockerfile/internal/dockerfile"
)

// place notes of each goal that is not met the line of the Dockerfile that it is about.
func (r *Report) place(file string, d *dockerfile.File) {
	last := 0 // where the last stage begins
	for i, in := range d.Instructions {
		if in.Word == "FROM" {
			last = i
		}
	}
	line := func(fits func(dockerfile.Instruction) bool) int {
		for _, in := range slices.Backward(d.Instructions[min(last, len(d.Instructions)):]) {
			if fits(in) {
				return in.Line()
			}
		}
		if len(d.Instructions) == 0 {
			return 1
		}
		return d.Instructions[last].Line()
	}
	r.File = file
	for i := range r.Goals {
		goal := &r.Goals[i]
		if goal.Met != nil && *goal.Met {
			continue
		}
		goal.Line = line(func(in dockerfile.Instruction) bool {
			switch goal.ID {
			case Starts, Answers:
				return in.Word == "ENTRYPOINT" || in.Word == "CMD"
			case NotRoot:
				return in.Word == "USER"
			case AccountsReadOnly:
				return (in.Word == "COPY" || in.Word == "ADD") && (strings.Contains(in.Rest, "passwd") || strings.Contains(in.Rest, "group"))
			}
			return false
		})
		for _, in := range d.Instructions { // the one that failed, by its own words
			if text := in.Word + " " + in.Rest; goal.ID == Builds && strings.Contains(goal.Proof, text) {
				goal.Line = in.Line()
			}
		}
	}
}

// GitHub writes what is not met as commands of GitHub's workflows, which put it beside the Dockerfile's lines.
func GitHub(r *Report) string {
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	var out strings.Builder
	for _, goal := range r.Goals {
		switch {
		case goal.Met == nil:
			fmt.Fprintf(&out, "::warning title=%s::%s\n", property.Replace(goal.ID+" cannot be told"), data.Replace(goal.Proof))
		case !*goal.Met:
			fmt.Fprintf(&out, "::error file=%s,line=%d,title=%s::%s\n", property.Replace(filepath.ToSlash(r.File)), goal.Line,
				property.Replace(goal.ID+" is not met"), data.Replace(goal.sentence()))
		}
	}
	return out.String()
}

func (g Goal) sentence() string {
	if g.Hint == "" {
		return g.Proof
	}
	return g.Proof + "\n" + g.Hint
}

// SARIF writes what is not met as a log of SARIF 2.1.0 (OASIS).
func SARIF(r *Report) ([]byte, error) {
	type object = map[string]any
	text := func(s string) object { return object{"text": s} }
	rules, results := []object{}, []object{}
	for i, goal := range r.Goals {
		rules = append(rules, object{"id": goal.ID, "shortDescription": text("The goal `" + goal.ID + "` of \"Optimizing Dockerfile\"")})
		result := object{"ruleId": goal.ID, "ruleIndex": i, "message": text(goal.sentence())}
		switch {
		case goal.Met == nil:
			result["kind"], result["level"] = "open", "none"
		case *goal.Met:
			continue
		default:
			result["level"] = "error"
		}
		if r.File != "" {
			uri := (&url.URL{Path: filepath.ToSlash(r.File)}).EscapedPath()
			result["locations"] = []object{{"physicalLocation": object{
				"artifactLocation": object{"uri": uri}, "region": object{"startLine": max(1, goal.Line)}}}}
		}
		results = append(results, result)
	}
	log := object{"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": []object{{
		"tool":        object{"driver": object{"name": "optimizing-dockerfile", "rules": rules}},
		"invocations": []object{{"executionSuccessful": r.Reason == ""}},
		"results":     results,
	}}}
	out, err := json.MarshalIndent(log, "", "  ")
	return append(out, '\n'), err
}
