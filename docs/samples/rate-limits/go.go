package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

func main() {
	url := os.Getenv("HEADGATE_URL")
	if url == "" {
		url = "http://127.0.0.1:8787"
	}
	body := strings.NewReader(`{"model": "demo", "messages": [{"role": "user", "content": "Hello"}]}`)
	request, err := http.NewRequest("POST", url+"/v1/chat/completions", body)
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("HEADGATE_API_KEY"))
	request.Header.Set("Content-Type", "application/json")
	response, err := (&http.Client{Timeout: 2 * time.Minute}).Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode >= 400 {
		var refusal struct {
			Error struct{ Code, Message string }
		}
		if err := json.NewDecoder(response.Body).Decode(&refusal); err != nil {
			log.Fatal(err)
		}
		log.Fatalf("%s: %s", refusal.Error.Code, refusal.Error.Message)
	}

	remaining := response.Header.Get("x-ratelimit-remaining")
	seconds, err := strconv.Atoi(response.Header.Get("x-ratelimit-reset"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s of %s requests left\n", remaining, response.Header.Get("x-ratelimit-limit"))
	if remaining == "0" {
		time.Sleep(time.Duration(seconds) * time.Second) // better wait than be refused
	}
	fmt.Printf("as many as ever in %d s at most\n", seconds)
}
