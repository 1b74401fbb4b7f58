package doctor

// What the kubelet refuses where a pod says runAsNonRoot. No image alone has these
// causes: it takes the pod, too.
const (
	RunAsNonRootName Cause = "run-as-non-root-name" // USER is a name
	RunAsNonRootRoot Cause = "run-as-non-root-root" // USER is root, or there is none
)

// Refusals are these causes, by precedence.
var Refusals = []Cause{RunAsNonRootName, RunAsNonRootRoot}

// refusals holds their rows.
var refusals = []entry{
	{
		cause: RunAsNonRootName, title: "The pod says runAsNonRoot, and USER is a name",
		meaning:    "The kubelet refuses a container that is not to run as root where the image's USER is a name: it does not look into the image, and cannot know that the name is not root's.",
		summary:    "the pod says runAsNonRoot, and the image's USER is the name {{printf \"%q\" .User}}: the kubelet cannot tell that it is not root",
		fix:        "Use a number, which needs no account file; or say runAsUser in the pod.",
		dockerfile: "USER 12345:12345",
		proof:      "`docker image inspect --format '{{.Config.User}}' IMAGE`, and runAsNonRoot and runAsUser in the pod.",
		example:    facts{User: "echo"},
	},
	{
		cause: RunAsNonRootRoot, title: "The pod says runAsNonRoot, and the image runs as root",
		meaning:    "The kubelet refuses a container that is not to run as root where it would: the image has no USER, or USER or runAsUser is 0.",
		summary:    "the pod says runAsNonRoot, and the process would be root{{if .User}}: the user is {{printf \"%q\" .User}}{{else}}: the image has no USER{{end}}",
		fix:        "Run as a user that is not root, by its number.",
		dockerfile: "USER 12345:12345",
		proof:      "`docker image inspect --format '{{.Config.User}}' IMAGE`, and runAsNonRoot and runAsUser in the pod.",
	},
}
