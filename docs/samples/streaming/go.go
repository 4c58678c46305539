package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
)

type object = map[string]any

type part struct {
	Choices []struct {
		Delta struct{ Content string }
	}
	Usage *struct {
		TotalTokens int `json:"total_tokens"`
	}
	Headgate struct {
		CostUSD string `json:"cost_usd"`
	}
	Error *failure
}

type failure struct{ Code, Message string }

func (f *failure) Error() string { return f.Code + ": " + f.Message }

// stream calls show with every part of a streamed answer; it fails when the answer fails or is cut.
func stream(body object, show func(part)) error {
	url := os.Getenv("HEADGATE_URL")
	if url == "" {
		url = "http://127.0.0.1:8787"
	}
	body["stream"] = true
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequest("POST", url+"/v1/chat/completions", bytes.NewReader(data))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("HEADGATE_API_KEY"))
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= 400 {
		var refusal part
		if err := json.NewDecoder(response.Body).Decode(&refusal); err != nil {
			return err
		}
		return refusal.Error
	}
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if !strings.HasPrefix(lines.Text(), "data: ") {
			continue // an empty line, or a comment that keeps the connection
		}
		data := strings.TrimPrefix(lines.Text(), "data: ")
		if data == "[DONE]" {
			return nil
		}
		var next part
		if err := json.Unmarshal([]byte(data), &next); err != nil {
			return err
		}
		if next.Error != nil {
			return next.Error
		}
		show(next)
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return errors.New("the stream was cut")
}

func main() {
	err := stream(object{
		"model":          "demo",
		"messages":       []object{{"role": "user", "content": "Count to three."}},
		"stream_options": object{"include_usage": true},
	}, func(next part) {
		for _, choice := range next.Choices {
			fmt.Print(choice.Delta.Content)
		}
		if next.Usage != nil {
			fmt.Printf("\n%d tokens, %s USD\n", next.Usage.TotalTokens, next.Headgate.CostUSD)
		}
	})
	if err != nil {
		log.Fatal(err)
	}
}
