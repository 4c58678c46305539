package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"time"
)

type object = map[string]any

// call sends a request and reads the answer into answer; the error of an answer becomes the error returned.
func call(method, path string, body, answer any) error {
	url := os.Getenv("HEADGATE_URL")
	if url == "" {
		url = "http://127.0.0.1:8787"
	}
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(method, url+path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("HEADGATE_API_KEY"))
	request.Header.Set("Content-Type", "application/json")
	response, err := (&http.Client{Timeout: 2 * time.Minute}).Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= 400 {
		var refusal struct {
			Error struct{ Code, Message string }
		}
		if err := json.NewDecoder(response.Body).Decode(&refusal); err != nil {
			return err
		}
		return fmt.Errorf("%s: %s", refusal.Error.Code, refusal.Error.Message)
	}
	return json.NewDecoder(response.Body).Decode(answer)
}

type event struct {
	Title  string
	Day    string
	Guests []string
}

func main() {
	schema := object{
		"type": "object",
		"properties": object{
			"title":  object{"type": "string"},
			"day":    object{"type": "string", "enum": []string{"Friday", "Saturday", "Sunday"}},
			"guests": object{"type": "array", "items": object{"type": "string"}},
		},
		"required":             []string{"title", "day", "guests"},
		"additionalProperties": false,
	}
	var answer struct {
		Choices []struct {
			FinishReason string `json:"finish_reason"`
			Message      struct{ Content, Refusal string }
		}
	}
	err := call("POST", "/v1/chat/completions", object{
		"model":    "demo",
		"messages": []object{{"role": "user", "content": "Lunch with Ada and Grace on Friday."}},
		"response_format": object{
			"type":        "json_schema",
			"json_schema": object{"name": "event", "strict": true, "schema": schema},
		},
	}, &answer)
	if err != nil {
		log.Fatal(err)
	}
	choice := answer.Choices[0]
	// A refusal, or an answer cut by the token limit, holds no whole object.
	if choice.FinishReason != "stop" || choice.Message.Refusal != "" {
		log.Fatalf("no event: %s %s", choice.FinishReason, choice.Message.Refusal)
	}
	var lunch event
	if err := json.Unmarshal([]byte(choice.Message.Content), &lunch); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s, %s, with %s\n", lunch.Title, lunch.Day, strings.Join(lunch.Guests, " and "))
}
