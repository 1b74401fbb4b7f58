package engine

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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
	require.NoError(t, l.forget("e1", imageEntry, func(entry) bool { return true }))
	assert.Empty(t, ids("e1", imageEntry))
	assert.Equal(t, []string{"d"}, ids("e1", containerEntry))
	assert.Equal(t, []string{"b"}, ids("e2", imageEntry), "another engine's stay")
	require.NoError(t, l.forget("e1", containerEntry, func(entry) bool { return true }))
	require.NoError(t, l.forget("e2", imageEntry, func(entry) bool { return true }))
	assert.NoFileExists(t, l.Path, "nothing of ours is left")
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
	host, _ := os.Hostname()
	assert.False(t, orphaned(owner()), "this process is at work")
	assert.True(t, orphaned("999999999@"+host))
	assert.False(t, orphaned("999999999@another-host"))
	assert.False(t, orphaned(""), "kept on purpose")
}
