package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"math"
	"math/rand"
	"net/http"
	"os"
	"strconv"
	"time"
)

type object = map[string]any

// refusal is an answer that is an error.
type refusal struct {
	Status int
	Body   struct {
		Code      string
		Message   string
		RequestID string `json:"request_id"`
		Page      string `json:"doc_url"`
	} `json:"error"`
}

func (r *refusal) Error() string {
	return fmt.Sprintf("%d %s: %s", r.Status, r.Body.Code, r.Body.Message)
}

// chat sends a question; it tries again, as Retry-After says, where that can help.
func chat(model, content string) error {
	url := os.Getenv("HEADGATE_URL")
	if url == "" {
		url = "http://127.0.0.1:8787"
	}
	body, err := json.Marshal(object{"model": model, "messages": []object{{"role": "user", "content": content}}})
	if err != nil {
		return err
	}
	client := &http.Client{Timeout: 2 * time.Minute}
	for attempt := 1; ; attempt++ {
		request, err := http.NewRequest("POST", url+"/v1/chat/completions", bytes.NewReader(body))
		if err != nil {
			return err
		}
		request.Header.Set("Authorization", "Bearer "+os.Getenv("HEADGATE_API_KEY"))
		request.Header.Set("Content-Type", "application/json")
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		var answer refusal
		err = json.NewDecoder(response.Body).Decode(&answer)
		response.Body.Close()
		answer.Status = response.StatusCode
		if err != nil || answer.Status < 400 {
			return err
		}
		passing := answer.Status == 408 || answer.Status == 429 || answer.Status >= 500
		if !passing || attempt == 4 || response.Header.Get("x-should-retry") == "false" {
			return &answer
		}
		seconds, err := strconv.ParseFloat(response.Header.Get("Retry-After"), 64)
		if err != nil {
			seconds = 0.5 * math.Pow(2, float64(attempt)) * (0.75 + rand.Float64()/4)
		}
		log.Printf("%d, again in %.1f s", answer.Status, seconds)
		time.Sleep(time.Duration(seconds * float64(time.Second)))
	}
}

func main() {
	for _, question := range []string{"Hello", "Hello again"} {
		if err := chat("demo", question); err != nil {
			log.Fatal(err)
		}
		fmt.Println("answered:", question)
	}

	var refused *refusal
	if err := chat("no-such-model", "Hello"); errors.As(err, &refused) {
		// Decide by the code: it never changes its meaning.
		fmt.Println(refused)
		fmt.Printf("request %s, see %s\n", refused.Body.RequestID, refused.Body.Page)
	}
}
