package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Runs at the same time note in one file: none takes away another's lines.
func TestRunsSideBySideLoseNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	var all sync.WaitGroup
	for run := range 8 {
		all.Add(1)
		go func() {
			defer all.Done()
			l := Ledger{Path: path}
			for i := range 50 {
				l.note(entry{"e", imageEntry, fmt.Sprintf("image-%d-%d", run, i), "1@h", 1})
				l.note(entry{"e", containerEntry, fmt.Sprintf("container-%d-%d", run, i), "1@h", 1})
				l.note(entry{"e", goneEntry, fmt.Sprintf("container-%d-%d", run, i), "1@h", 0})
			}
		}()
	}
	all.Wait()
	assert.Len(t, Ledger{Path: path}.entries("e", imageEntry), 400)
	assert.Empty(t, Ledger{Path: path}.entries("e", containerEntry))
}

func TestTheLedgerListsWhatAnEngineHolds(t *testing.T) {
	l := Ledger{Path: filepath.Join(t.TempDir(), "sub", "ledger")}
	assert.Empty(t, l.entries("e1", imageEntry), "no file yet")
	for _, e := range []entry{
		{"e1", imageEntry, "a", "1@h", 100}, {"e2", imageEntry, "b", "1@h", 100}, {"e1", imageEntry, "c", "1@h", 100},
		{"e1", containerEntry, "d", "1@h", 100}, {"e1", imageEntry, "a", "2@h", 100},
	} {
		l.note(e)
	}
	ids := func(engine, kind string) (all []string) {
		for _, e := range l.entries(engine, kind) {
			all = append(all, e.id)
		}
		return all
	}
	assert.Equal(t, []string{"a", "c"}, ids("e1", imageEntry), "the newest first, each once: children go before parents")
	l.note(entry{"e1", goneEntry, "d", "1@h", 0})
	assert.Empty(t, ids("e1", containerEntry), "it has been removed")
	require.NoError(t, l.forget("e1", func(made entry) bool { return made.id == "c" }))
	assert.Equal(t, []string{"c"}, ids("e1", imageEntry), "somebody uses it still")
	assert.Equal(t, []string{"b"}, ids("e2", imageEntry), "another engine's stay")
	none := func(entry) bool { return false }
	require.NoError(t, l.forget("e1", none))
	require.NoError(t, l.forget("e2", none))
	assert.NoFileExists(t, l.Path, "nothing of ours is left")
	require.NoError(t, l.forget("e1", none), "nor to forget")
}

// A RUN that prints "---> Running in ID" must not get somebody's container removed.
func TestWhatIsOlderThanTheBuildIsNotOurs(t *testing.T) {
	now := time.Now()
	e := entry{since: now.Unix()}
	assert.True(t, e.sinceThen(now.Add(time.Second).Format(time.RFC3339Nano)))
	assert.False(t, e.sinceThen(now.Add(-time.Minute).Format(time.RFC3339Nano)))
	assert.False(t, e.sinceThen(""))
	assert.False(t, e.sinceThen("yesterday"))
}

func TestAProcessThatEndedLeavesItsContainersToTheNext(t *testing.T) {
	assert.False(t, orphaned(owner()), "this process is at work")
	assert.True(t, orphaned(OwnerOf(999999999)))
	assert.False(t, orphaned("999999999@another-host"))
	assert.False(t, orphaned(""), "kept on purpose")
	assert.True(t, busy(OwnerOf(os.Getppid())) && busy("999999999@another-host"))
	assert.False(t, busy(owner()) || busy(OwnerOf(999999999)) || busy(""))
}

// What the engine's program says for itself is no line of the container's log.
func TestALogIsTheContainersLines(t *testing.T) {
	assert.Equal(t, "[GIN-debug] Listening\n\n2020-01-01T00:00:00Z its own time\nthe last",
		stamped("WARNING: Error parsing config file\n"+
			"2026-11-24T20:10:00.123456789Z [GIN-debug] Listening\n"+ // docker
			"2026-11-24T20:10:00.123456789+01:00 \n"+ // podman, and an empty line
			"2026-11-24T20:10:00.123456789Z 2020-01-01T00:00:00Z its own time\n"+
			"2026-11-24T20:10:00Z the last"))
	assert.Empty(t, stamped("WARNING: nothing\n"))
}

func TestNoTagIsTooLong(t *testing.T) {
	long := strings.Repeat("registry.example/a-long-name:", 9)
	assert.Equal(t, "06-nonroot-scratch-ghcr.io-a-b-1", Tag("06-nonroot-scratch-ghcr.io/a/b:1"))
	assert.Len(t, Tag(long), 128)
	assert.NotEqual(t, Tag(long+"1"), Tag(long+"2"), "what is cut off still counts")
}
