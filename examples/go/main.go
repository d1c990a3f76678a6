// Create machines, wait for them, delete them again: a client that may be killed at any moment. Started
// again it goes on where it was, and makes nothing twice.
//
//	CLOUDLET_API_KEY=gpcn_… go run . [NAME [COUNT]]        needs the standard library only
package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"
)

const (
	// batch is how many jobs are polled in one request.
	batch = 50
	// longestPause is the longest pause between two polls, and between two tries of a request.
	longestPause = 10 * time.Second
	// requestTimeout is how long one request may take; a start or a stop waits up to 50 s for its turn.
	requestTimeout = 60 * time.Second
	// patience is how long a server that is away is waited for.
	patience = 5 * time.Minute
)

var (
	api       = setting("CLOUDLET_URL", "http://127.0.0.1:8080") + "/v1/resource"
	key       = setting("CLOUDLET_API_KEY", "")
	stateFile = setting("STATE_FILE", "create-state.json")
	pollPause = seconds(setting("POLL_SECONDS", "2"))
	client    = &http.Client{Timeout: requestTimeout}
)

type wish struct {
	Name              string `json:"name"`
	DatacenterID      string `json:"datacenterId"`
	ImageID           int    `json:"imageId"`
	ConfigurationID   int    `json:"configurationId"`
	NumberOfInstances int    `json:"numberOfInstances"`
}

type job struct {
	ID           string  `json:"id"`
	Status       string  `json:"status"` // pending, in_progress, completed or failed
	Progress     int     `json:"progress"`
	Message      string  `json:"message"`
	Operation    string  `json:"operation"`
	ResourceID   *string `json:"resourceId"`
	ResourceName string  `json:"resourceName"`
	Error        string  `json:"error"`
	ErrorCode    string  `json:"errorCode"`
}

func (j job) ended() bool { return j.Status == "completed" || j.Status == "failed" }

// state is what must be known to go on after a restart. It is written down before the step that needs it.
// A list that is nil is not known yet.
type state struct {
	Wish           wish     `json:"wish"`
	IdempotencyKey string   `json:"idempotencyKey"`
	Creates        []string `json:"creates"`
	Deletes        []string `json:"deletes"`
}

type envelope struct {
	Success bool            `json:"success"`
	Data    json.RawMessage `json:"data"`
	Error   string          `json:"error"`
	Message string          `json:"message"`
}

// refusal: the server has understood and will not do it. Asking again is no use.
type refusal struct {
	status        int
	code, message string
}

func (r *refusal) Error() string { return r.code + ": " + r.message }

// call makes one request and reads its data. It is repeated while the server is away (503), wants a rest
// (429) or does not answer. It returns what Retry-After asks for.
func call(method, path string, body any, idempotencyKey string, data any) (time.Duration, error) {
	text := []byte{}
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return 0, err
		}
	}
	deadline := time.Now().Add(patience)
	for pause := 500 * time.Millisecond; ; pause = shorter(2*pause, longestPause) {
		retryAfter, err := attempt(method, path, text, idempotencyKey, data)
		var refused *refusal
		if err == nil || errors.As(err, &refused) {
			return retryAfter, err
		}
		if time.Now().After(deadline) {
			return 0, fmt.Errorf("%s does not answer: %w", api, err)
		}
		time.Sleep(longer(pause, retryAfter))
	}
}

// attempt asks once. An error that is no refusal is worth another attempt.
func attempt(method, path string, body []byte, idempotencyKey string, data any) (time.Duration, error) {
	request, err := http.NewRequest(method, api+path, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("X-API-Key", key)
	request.Header.Set("Content-Type", "application/json")
	if idempotencyKey != "" {
		request.Header.Set("Idempotency-Key", idempotencyKey)
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	retryAfter := seconds(response.Header.Get("Retry-After"))
	var answer envelope
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return retryAfter, fmt.Errorf("status %d: %w", response.StatusCode, err)
	}
	switch {
	case answer.Success:
		return retryAfter, json.Unmarshal(answer.Data, data)
	case response.StatusCode == http.StatusTooManyRequests, response.StatusCode == http.StatusServiceUnavailable:
		return retryAfter, errors.New(answer.Message)
	default:
		return retryAfter, &refusal{response.StatusCode, answer.Error, answer.Message}
	}
}

// untilEnded polls until every job has ended, up to 50 in one request, ever more slowly while nothing moves.
func untilEnded(ids []string, firstPause time.Duration) ([]job, error) {
	jobs := make(map[string]job, len(ids))
	pause, seen := longer(pollPause, firstPause), ""
	for open := ids; len(open) > 0; open = notEnded(ids, jobs) {
		time.Sleep(pause)
		now, retryAfter := "", time.Duration(0)
		for len(open) > 0 {
			part := open[:shorter(batch, len(open))]
			open = open[len(part):]
			var answer struct{ Jobs []job }
			after, err := call("POST", "/jobs", map[string]any{"jobIds": part}, "", &answer)
			if err != nil {
				return nil, err
			}
			if len(answer.Jobs) < len(part) {
				return nil, errors.New("the server knows some of these jobs no longer; a job is kept for 24 hours")
			}
			for _, j := range answer.Jobs {
				fmt.Fprintf(os.Stderr, "%s %s  %d %%  %s\n", j.Operation, j.ResourceName, j.Progress, j.Message)
				jobs[j.ID] = j
				now += fmt.Sprintln(j.ID, j.Status, j.Progress)
			}
			retryAfter = longer(retryAfter, after)
		}
		if now == seen {
			pause = shorter(pause*3/2, longestPause)
		} else {
			pause = pollPause
		}
		pause, seen = longer(pause, retryAfter), now
	}
	ended := make([]job, 0, len(ids))
	for _, id := range ids {
		ended = append(ended, jobs[id])
	}
	return ended, nil
}

func notEnded(ids []string, jobs map[string]job) (open []string) {
	for _, id := range ids {
		if !jobs[id].ended() {
			open = append(open, id)
		}
	}
	return open
}

// write writes beside the file and renames, so that it is whole whenever the program is killed.
func (s *state) write() error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := os.WriteFile(stateFile+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(stateFile+".new", stateFile)
}

// begin goes on with what is written down, else begins anew.
func begin() (*state, error) {
	s := &state{}
	text, err := os.ReadFile(stateFile)
	if err == nil {
		return s, json.Unmarshal(text, s)
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	count, err := strconv.Atoi(argument(2, "1"))
	if err != nil {
		return nil, err
	}
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		return nil, err
	}
	s.IdempotencyKey = fmt.Sprintf("%x", random)
	s.Wish = wish{
		Name:              argument(1, "web"),
		DatacenterID:      setting("DATA_CENTER_ID", "6f1c0e5e-0000-4000-8000-000000000001"),
		ImageID:           12,
		ConfigurationID:   45,
		NumberOfInstances: count,
	}
	return s, s.write()
}

// create submits; with the same key a repeat has the same jobs, also where the first answer was lost.
func (s *state) create() (time.Duration, error) {
	if s.Creates != nil {
		return 0, nil
	}
	var jobs []job
	retryAfter, err := call("POST", "/virtual-machines", s.Wish, s.IdempotencyKey, &jobs)
	if err != nil {
		return 0, err
	}
	for _, j := range jobs {
		s.Creates = append(s.Creates, j.ID)
	}
	return retryAfter, s.write()
}

// remove deletes. A repeat has the same job while it runs; what is gone already is answered 404.
func (s *state) remove(machines []string) (time.Duration, error) {
	if s.Deletes != nil {
		return 0, nil
	}
	deletes, pause := []string{}, time.Duration(0)
	for _, machine := range machines {
		var j job
		retryAfter, err := call("DELETE", "/virtual-machines/"+machine, nil, "", &j)
		var refused *refusal
		if errors.As(err, &refused) && refused.status == http.StatusNotFound {
			continue
		}
		if err != nil {
			return 0, err
		}
		deletes, pause = append(deletes, j.ID), longer(pause, retryAfter)
	}
	s.Deletes = deletes
	return pause, s.write()
}

// report says which jobs failed, and why; what failed has left nothing behind. It returns how many.
func report(jobs []job) (failed int) {
	for _, j := range jobs {
		if j.Status == "failed" {
			failed++
			fmt.Fprintf(os.Stderr, "%s %s: %s: %s\n", j.Operation, j.ResourceName, j.ErrorCode, j.Error)
		}
	}
	return failed
}

func run() (failed int, err error) {
	if key == "" {
		return 0, errors.New("set CLOUDLET_API_KEY to your key, gpcn_…")
	}
	s, err := begin()
	if err != nil {
		return 0, err
	}
	pause, err := s.create()
	if err != nil {
		return 0, err
	}
	created, err := untilEnded(s.Creates, pause)
	if err != nil {
		return 0, err
	}
	machines := []string{}
	for _, j := range created {
		if j.ResourceID != nil {
			machines = append(machines, *j.ResourceID)
			fmt.Printf("%s  %s\n", j.ResourceName, *j.ResourceID)
		}
	}

	// Here the machines would do their work.

	if pause, err = s.remove(machines); err != nil {
		return 0, err
	}
	deleted, err := untilEnded(s.Deletes, pause)
	if err != nil {
		return 0, err
	}
	return report(created) + report(deleted), os.Remove(stateFile)
}

func main() {
	failed, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if failed > 0 {
		os.Exit(1)
	}
}

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func argument(at int, otherwise string) string {
	if at < len(os.Args) {
		return os.Args[at]
	}
	return otherwise
}

// seconds reads a number of seconds; what is none is 0.
func seconds(text string) time.Duration {
	number, _ := strconv.ParseFloat(text, 64)
	return time.Duration(number * float64(time.Second))
}

type number interface{ ~int | ~int64 }

func shorter[T number](a, b T) T {
	if a < b {
		return a
	}
	return b
}

func longer[T number](a, b T) T {
	if a > b {
		return a
	}
	return b
}
